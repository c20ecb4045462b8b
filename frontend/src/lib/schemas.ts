import * as z from "zod/mini";

// The backend has the same rules with the same messages.
const MAX_TITLE_CHARS = 200;
const MAX_DESCRIPTION_CHARS = 1_000;
const MAX_NAME_CHARS = 100;
const MAX_EMAIL_CHARS = 254;
const MIN_PASSWORD_CHARS = 10;
const MAX_PASSWORD_CHARS = 128;

const CONTROL_CHARACTER = /\p{Cc}/u;

/** Unicode characters, as the backend counts them; an emoji can have a `length` of two. */
const countChars = (text: string) => [...text].length;

const title = z.string().check(
  z.trim(),
  z.refine(
    (text) => countChars(text) >= 1 && countChars(text) <= MAX_TITLE_CHARS,
    `Must be 1 to ${MAX_TITLE_CHARS} characters.`,
  ),
  z.refine((text) => !CONTROL_CHARACTER.test(text), "Must not contain line breaks or other control characters."),
);

const description = z
  .string()
  .check(
    z.refine(
      (text) => countChars(text) <= MAX_DESCRIPTION_CHARS,
      `Must be at most ${MAX_DESCRIPTION_CHARS} characters.`,
    ),
  );

const email = z
  .string()
  .check(
    z.trim(),
    z.toLowerCase(),
    z.maxLength(MAX_EMAIL_CHARS),
    z.email("Must be an e-mail address such as ada@example.com."),
  );

const newPassword = z
  .string()
  .check(
    z.refine(
      (text) => countChars(text) >= MIN_PASSWORD_CHARS && countChars(text) <= MAX_PASSWORD_CHARS,
      `Must be ${MIN_PASSWORD_CHARS} to ${MAX_PASSWORD_CHARS} characters.`,
    ),
  );

// An existing password may be older than the rules for new ones.
const currentPassword = z.string().check(z.minLength(1, "Enter your password."));

const name = z.string().check(
  z.trim(),
  z.refine(
    (text) => countChars(text) <= MAX_NAME_CHARS && !CONTROL_CHARACTER.test(text),
    `Must be at most ${MAX_NAME_CHARS} characters, without control characters.`,
  ),
);

export const taskText = z.object({ title, description });

export const signIn = z.object({
  email: z.string().check(z.trim(), z.minLength(1, "Enter your e-mail address.")),
  password: currentPassword,
});

export const signUp = z.object({ name, email, password: newPassword });

export const profile = z.object({ name, email, current_password: z.optional(currentPassword) });

export const passwordChange = z
  .object({ current_password: currentPassword, new_password: newPassword, confirmation: z.string() })
  .check(
    z.refine(({ new_password, confirmation }) => new_password === confirmation, {
      path: ["confirmation"],
      error: "Must be the same as the new password.",
    }),
  );

export const newToken = z.object({
  name: name.check(z.minLength(1, `Must be 1 to ${MAX_NAME_CHARS} characters.`)),
  expires_in_days: z.pipe(
    z.string(),
    z.transform((days) => (days === "" ? undefined : Number(days))),
  ),
});
