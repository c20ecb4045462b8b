"use client";

import { Fragment } from "react";
import { Dialog } from "@/components/ui/dialog";
import { Kbd } from "@/components/ui/kbd";
import { setShortcutsEnabled, useShortcutsEnabled } from "@/lib/shortcuts";

const SHORTCUTS = [
  {
    title: "Anywhere",
    keys: [
      { keys: ["?"], does: "Show these shortcuts" },
      { keys: ["n"], does: "Add a task" },
      { keys: ["/"], does: "Search" },
      { keys: ["c"], does: "Talk to the assistant" },
      { keys: ["u"], does: "Undo the last change" },
      { keys: ["g", "t"], does: "Go to tasks" },
      { keys: ["g", "a"], does: "Go to account" },
    ],
  },
  {
    title: "In the list",
    keys: [
      { keys: ["j"], or: ["↓"], does: "Next task" },
      { keys: ["k"], or: ["↑"], does: "Previous task" },
      { keys: ["Space"], does: "Complete or reopen" },
      { keys: ["Enter"], or: ["e"], does: "Edit" },
      { keys: ["x"], does: "Select" },
      { keys: ["Shift", "↓"], does: "Select more" },
      { keys: ["Del"], or: ["⌫"], does: "Delete" },
      { keys: ["Esc"], does: "Clear the selection, cancel editing" },
    ],
  },
  {
    title: "In the chat",
    keys: [
      { keys: ["Enter"], does: "Send" },
      { keys: ["Shift", "Enter"], does: "New line" },
      { keys: ["↑"], does: "Edit the last message" },
      { keys: ["Esc"], does: "Stop the answer" },
      { keys: ["Shift", "C"], does: "New chat" },
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
              {shortcuts.map(({ keys, does, ...rest }) => (
                <div key={does} className="flex min-h-7 items-center justify-between gap-3">
                  <dt>{does}</dt>
                  <dd className="whitespace-nowrap">
                    <Keys keys={keys} />
                    {"or" in rest && rest.or && (
                      <>
                        <span className="px-1 text-muted-foreground text-xs">or</span>
                        <Keys keys={rest.or} />
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
