import { Alert } from "@/components/ui/alert";
import { messageOf } from "@/lib/api/problem";

export function FormFailure({ error }: { error: Error | null }) {
  return error && <Alert>{messageOf(error)}</Alert>;
}
