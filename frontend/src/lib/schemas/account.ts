import * as z from "zod/mini";
import { anyPassword, email, name, newPassword } from "./rules";

export const profile = z.object({ name, email, current_password: z.optional(anyPassword) });

export const passwordChange = z
  .object({ current_password: anyPassword, new_password: newPassword, confirmation: z.string() })
  .check(
    z.refine(({ new_password, confirmation }) => new_password === confirmation, {
      path: ["confirmation"],
      error: "Must be the same as the new password.",
    }),
  );

export const token = z.object({
  name: name.check(z.minLength(1, "Must be 1 to 100 characters.")),
  expires_in_days: z.pipe(
    z.string(),
    z.transform((days) => (days === "" ? undefined : Number(days))),
  ),
});
