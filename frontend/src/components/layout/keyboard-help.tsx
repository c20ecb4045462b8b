"use client";

import { Fragment } from "react";
import { Dialog } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { setShortcutsEnabled, useShortcutsEnabled } from "@/lib/shortcuts";

const SHORTCUTS = [
  {
    title: "Anywhere",
    keys: [
      { keys: ["?"], description: "Show these shortcuts" },
      { keys: ["n"], description: "Add a task" },
      { keys: ["/"], description: "Search" },
      { keys: ["c"], description: "Talk to the assistant" },
      { keys: ["u"], description: "Undo the last change" },
      { keys: ["g", "t"], description: "Go to tasks" },
      { keys: ["g", "a"], description: "Go to account" },
    ],
  },
  {
    title: "In the list",
    keys: [
      { keys: ["j"], alternative: ["↓"], description: "Next task" },
      { keys: ["k"], alternative: ["↑"], description: "Previous task" },
      { keys: ["Space"], description: "Complete or reopen" },
      { keys: ["Enter"], alternative: ["e"], description: "Edit" },
      { keys: ["x"], description: "Select" },
      { keys: ["Shift", "↓"], description: "Select more" },
      { keys: ["Del"], alternative: ["⌫"], description: "Delete" },
      { keys: ["Esc"], description: "Clear the selection, cancel editing" },
    ],
  },
  {
    title: "In the chat",
    keys: [
      { keys: ["Enter"], description: "Send" },
      { keys: ["Shift", "Enter"], description: "New line" },
      { keys: ["↑"], description: "Edit the last message" },
      { keys: ["Esc"], description: "Stop the answer" },
      { keys: ["Shift", "C"], description: "New chat" },
    ],
  },
];

function Keys({ keys }: { keys: string[] }) {
  return keys.map((key, index) => (
    <Fragment key={key}>
      {index > 0 && " "}
      <Kbd>{key}</Kbd>
    </Fragment>
  ));
}

export default function KeyboardHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const enabled = useShortcutsEnabled();
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts">
      <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
        {SHORTCUTS.map(({ title, keys: shortcuts }) => (
          <section key={title}>
            <h3 className="mb-2 font-medium text-muted-foreground text-sm tracking-normal">{title}</h3>
            <dl className="grid gap-1.5 text-sm">
              {shortcuts.map(({ keys, description, ...rest }) => (
                <div key={description} className="flex min-h-7 items-center justify-between gap-3">
                  <dt>{description}</dt>
                  <dd className="whitespace-nowrap">
                    <Keys keys={keys} />
                    {"alternative" in rest && rest.alternative && (
                      <>
                        <span className="px-1 text-muted-foreground text-xs">or</span>
                        <Keys keys={rest.alternative} />
                      </>
                    )}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="mt-6 flex min-h-10 items-center gap-3 border-t pt-4 text-sm">
        <input
          type="checkbox"
          className="size-4 accent-primary"
          checked={enabled}
          onChange={(event) => setShortcutsEnabled(event.target.checked)}
        />
        <span>
          Single-key shortcuts
          <span className="block text-muted-foreground">Arrow keys, Space, Enter and Delete work either way.</span>
        </span>
      </label>
    </Dialog>
  );
}
