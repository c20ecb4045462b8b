import { Check } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/utils";

type Props = Omit<ComponentProps<"input">, "type"> & { round?: boolean };

/** A native checkbox with the style of the theme. The space around it makes the target 36 px wide. */
export function Checkbox({ round = false, className, ...props }: Props) {
  return (
    <span className={cn("relative grid size-9 shrink-0 place-items-center", className)}>
      <input
        type="checkbox"
        className={cn(
          "peer col-start-1 row-start-1 cursor-pointer appearance-none border-2 border-input bg-card transition-colors before:absolute before:inset-0 checked:border-primary checked:bg-primary indeterminate:border-primary indeterminate:bg-primary hover:border-primary disabled:cursor-not-allowed",
          round ? "size-5 rounded-full" : "size-[18px] rounded-[5px]",
        )}
        {...props}
      />
      <Check
        aria-hidden="true"
        strokeWidth={3.5}
        className="pointer-events-none col-start-1 row-start-1 size-3 scale-50 text-primary-foreground opacity-0 transition peer-checked:scale-100 peer-checked:opacity-100"
      />
      <span className="pointer-events-none col-start-1 row-start-1 h-0.5 w-2 rounded bg-primary-foreground opacity-0 peer-indeterminate:opacity-100" />
    </span>
  );
}
