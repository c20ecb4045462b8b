"use client";

import { KeyRound } from "lucide-react";
import { Button } from "@/components/ui/button";
import { useAsyncAction } from "@/lib/hooks/use-async-action";

const SETTINGS = [
  { name: "OPENAI_API_KEY", text: "the key of OpenAI or another provider" },
  { name: "OPENAI_BASE_URL", text: "for any other OpenAI-compatible server, such as Ollama; a key is then optional" },
  { name: "OPENAI_MODEL", text: "the model to ask" },
];

/** Explains how to configure a model. The rest of the application works without one. */
export function NotConfigured({ onCheck }: { onCheck: () => Promise<unknown> }) {
  const { run, pending } = useAsyncAction(onCheck);
  return (
    <section aria-label="Set up the assistant" className="m-3 rounded-xl border bg-muted/50 p-4 text-sm">
      <h3 className="flex items-center gap-2 font-semibold tracking-normal">
        <KeyRound className="size-4 text-primary" aria-hidden="true" />
        The assistant is not set up yet
      </h3>
      <p className="mt-1.5 text-muted-foreground">
        It needs a language model. Set these for the backend and start it again; your tasks work without.
      </p>
      <dl className="mt-3 grid gap-2">
        {SETTINGS.map(({ name, text }) => (
          <div key={name}>
            <dt>
              <code className="rounded bg-card px-1.5 py-0.5 font-mono text-xs ring-1 ring-border">{name}</code>
            </dt>
            <dd className="mt-0.5 text-muted-foreground">{text}</dd>
          </div>
        ))}
      </dl>
      <Button variant="outline" size="sm" className="mt-3" pending={pending} onClick={run}>
        Check again
      </Button>
    </section>
  );
}
