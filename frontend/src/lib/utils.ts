import { type ClassValue, clsx } from "clsx";
import { extendTailwindMerge } from "tailwind-merge";

// Without this, tailwind-merge takes the shadows that globals.css defines for colours of shadows.
const twMerge = extendTailwindMerge({ extend: { theme: { shadow: ["card", "float"] } } });

/** Joins class names. Of two Tailwind classes for the same property, only the later one is kept. */
export function cn(...inputs: ClassValue[]) {
  return twMerge(clsx(inputs));
}
