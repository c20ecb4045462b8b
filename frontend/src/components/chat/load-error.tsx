import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { messageOf } from "@/lib/api/problem";

type Props = { error: unknown; onRetry: () => void; what?: string };

export function LoadError({ error, onRetry, what = "This conversation" }: Props) {
  return (
    <div className="min-h-0 flex-1 p-4">
      <Alert>
        <p>
          {what} could not be loaded. {messageOf(error)}
        </p>
        <Button variant="outline" size="sm" className="mt-2 text-foreground" onClick={onRetry}>
          Try again
        </Button>
      </Alert>
    </div>
  );
}
