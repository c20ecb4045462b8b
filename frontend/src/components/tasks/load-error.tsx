"use client";

import { CloudAlert } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { errorMessage } from "@/lib/api/problem";

export function LoadError({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Card role="alert" className="grid justify-items-center gap-2 px-6 py-16 text-center">
      <CloudAlert className="size-9 text-muted-foreground" strokeWidth={1.5} aria-hidden="true" />
      <h2 className="font-semibold text-lg">Your tasks could not be loaded</h2>
      <p className="max-w-sm text-muted-foreground text-sm">{errorMessage(error)}</p>
      <Button className="mt-3" onClick={onRetry}>
        Try again
      </Button>
    </Card>
  );
}
