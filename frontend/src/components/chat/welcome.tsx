"use client";

import { Sparkles } from "lucide-react";

const SUGGESTIONS = ["What is on my list?", "Add “Buy milk” and “Call Ada”", "Help me plan my day"];

export function Welcome({ onAsk }: { onAsk: ((text: string) => void) | undefined }) {
  return (
    <div className="m-auto grid max-w-xs justify-items-center px-4 py-8 text-center">
      <span className="mb-4 grid size-12 place-items-center rounded-2xl bg-accent text-accent-foreground">
        <Sparkles className="size-6" strokeWidth={1.6} aria-hidden="true" />
      </span>
      <h3 className="font-semibold tracking-normal">Manage your tasks by talking</h3>
      <p className="mt-1 text-muted-foreground text-sm">
        Add, find, complete and tidy up. The list changes as the assistant works.
      </p>
      {onAsk && (
        <ul aria-label="Suggestions" className="mt-5 grid w-full gap-2">
          {SUGGESTIONS.map((text) => (
            <li key={text}>
              <button
                type="button"
                onClick={() => onAsk(text)}
                className="w-full rounded-xl border bg-card px-3.5 py-2.5 text-left text-sm shadow-xs transition-colors hover:border-primary/50 hover:bg-accent"
              >
                {text}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
