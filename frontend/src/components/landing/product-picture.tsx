import { Check, Plus, Search } from "lucide-react";
import { cn } from "@/lib/utils";

const TASKS = [
  { title: "Send the offer to Marta", note: "With the new terms from Tuesday’s call", time: "just now" },
  { title: "Book the train to Vienna", time: "12 min. ago" },
  { title: "Review the chart’s network policies", selected: true, time: "1 hr. ago" },
  { title: "Call the dentist", time: "3 hr. ago" },
  { title: "Renew the domain", completed: true, time: "yesterday" },
  { title: "Write the release notes", completed: true, time: "yesterday" },
];

/** A drawing of the task list without an image file. */
export function ProductPicture() {
  return (
    <div
      role="img"
      aria-label="The task list: a field to add a task, filters with counts, and six tasks of which two are completed"
      className="select-none rounded-2xl border bg-background p-3 shadow-float sm:p-5"
    >
      <div className="flex h-12 items-center gap-2.5 rounded-xl border border-ring bg-card px-3.5 text-sm shadow-card">
        <Plus className="size-5 text-primary" />
        <span className="flex-1">
          Water the plants
          <span className="ml-px inline-block h-4 w-px translate-y-0.5 bg-foreground" />
        </span>
        <span className="rounded-lg bg-primary px-3 py-1.5 font-medium text-primary-foreground text-xs">Add</span>
      </div>
      <div className="mt-4 mb-3 flex items-center justify-between text-muted-foreground text-xs">
        <div className="flex rounded-lg bg-muted p-0.5">
          <span className="rounded-md bg-raised px-3 py-1.5 font-medium text-foreground shadow-xs">All 6</span>
          <span className="px-3 py-1.5">Pending 4</span>
          <span className="px-3 py-1.5 max-sm:hidden">Completed 2</span>
        </div>
        <span className="flex items-center gap-2 rounded-lg border bg-card px-3 py-1.5 pr-10">
          <Search className="size-3.5" /> Search
        </span>
      </div>
      <div className="divide-y overflow-hidden rounded-xl border bg-card text-sm shadow-card">
        {TASKS.map(({ title, note, time, completed, selected }) => (
          <div key={title} className={cn("flex items-center gap-3 px-4 py-3", selected && "bg-accent/60")}>
            <span
              className={cn(
                "grid size-5 shrink-0 place-items-center rounded-full border-2",
                completed ? "border-primary bg-primary" : "border-input",
              )}
            >
              {completed && <Check className="size-3 text-primary-foreground" strokeWidth={3.5} />}
            </span>
            <span className="min-w-0 flex-1">
              <span className={cn("block truncate", completed && "text-muted-foreground line-through")}>{title}</span>
              {note && <span className="block truncate text-muted-foreground text-xs">{note}</span>}
            </span>
            <span className="text-muted-foreground text-xs max-sm:hidden">{time}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
