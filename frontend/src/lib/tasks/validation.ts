import { taskText } from "@/lib/schemas";
import type { TaskText } from "./text";

type CheckResult = { text: TaskText; error?: undefined } | { text?: undefined; error: string };

/** Returns the text as it will be saved, or the error in it as a sentence that names the field. */
export function validateTaskText(text: TaskText): CheckResult {
  const result = taskText.safeParse(text);
  if (result.success) return { text: result.data };
  const [issue] = result.error.issues;
  const field = issue?.path[0] === "description" ? "The description" : "The title";
  const rule = issue?.message ?? "Is not valid.";
  return { error: `${field} ${rule.charAt(0).toLowerCase()}${rule.slice(1)}` };
}
