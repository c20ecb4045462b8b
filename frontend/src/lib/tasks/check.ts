import { taskText } from "@/lib/schemas";
import type { TaskText } from "./text";

type Checked = { text: TaskText; error?: undefined } | { text?: undefined; error: string };

/** The text as it is saved, or what is wrong with it as a sentence that names the field. */
export function checkTaskText(typed: TaskText): Checked {
  const result = taskText.safeParse(typed);
  if (result.success) return { text: result.data };
  const [issue] = result.error.issues;
  const field = issue?.path[0] === "description" ? "The description" : "The title";
  const rule = issue?.message ?? "Is not valid.";
  return { error: `${field} ${rule.charAt(0).toLowerCase()}${rule.slice(1)}` };
}
