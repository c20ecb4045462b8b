import * as z from "zod/mini";

const length = (text: string) => [...text].length;
const CONTROL = /\p{Cc}/u;

/** Same rules and words as the backend's. */
export const title = z.string().check(
  z.trim(),
  z.refine((text) => length(text) >= 1 && length(text) <= 200, "Must be 1 to 200 characters."),
  z.refine((text) => !CONTROL.test(text), "Must not contain line breaks or other control characters."),
);
export const description = z
  .string()
  .check(z.refine((text) => length(text) <= 1000, "Must be at most 1000 characters."));
export const email = z
  .string()
  .check(z.trim(), z.toLowerCase(), z.maxLength(254), z.email("Must be an e-mail address such as ada@example.com."));
export const newPassword = z
  .string()
  .check(z.refine((text) => length(text) >= 10 && length(text) <= 128, "Must be 10 to 128 characters."));
export const anyPassword = z.string().check(z.minLength(1, "Enter your password."));
export const name = z.string().check(
  z.trim(),
  z.refine(
    (text) => length(text) <= 100 && !CONTROL.test(text),
    "Must be at most 100 characters, without control characters.",
  ),
);
