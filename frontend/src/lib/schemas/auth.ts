import * as z from "zod/mini";
import { anyPassword, email, name, newPassword } from "./rules";

export const signIn = z.object({
  email: z.string().check(z.trim(), z.minLength(1, "Enter your e-mail address.")),
  password: anyPassword,
});

export const signUp = z.object({ name, email, password: newPassword });
