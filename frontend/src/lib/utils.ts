import { type ClassValue, clsx } from "clsx";
import { extendTailwindMerge } from "tailwind-merge";

// Without this, tailwind-merge takes the shadows that globals.css defines for colours of shadows.
const twMerge = extendTailwindMerge({ extend: { theme: { shadow: ["card", "float"] } } });

/** Joins class names. Of two Tailwind classes for the same property, only the later one is kept. */
export function cn(...inputs: ClassValue[]) {
  return twMerge(clsx(inputs));
}

/** 128 random bits as hexadecimal digits. crypto.randomUUID() would need HTTPS, which a cluster on a laptop lacks. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
