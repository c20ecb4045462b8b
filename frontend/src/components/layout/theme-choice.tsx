"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "next-themes";
import { useId } from "react";
import { useHydrated } from "@/components/client-only";

const THEMES = [
  { value: "light", label: "Light", Icon: Sun },
  { value: "dark", label: "Dark", Icon: Moon },
  { value: "system", label: "System", Icon: Monitor },
] as const;

export function ThemeChoice() {
  const { theme, setTheme } = useTheme();
  const hydrated = useHydrated();
  const name = useId();
  return (
    <fieldset className="flex w-fit gap-0.5 rounded-lg bg-muted p-0.5">
      <legend className="sr-only">Theme</legend>
      {THEMES.map(({ value, label, Icon }) => (
        <label
          key={value}
          title={label}
          className="grid h-7 w-9 place-items-center rounded-md text-muted-foreground hover:text-foreground has-checked:bg-raised has-focus-visible:outline-2 has-focus-visible:outline-ring has-checked:text-foreground has-checked:shadow-xs"
        >
          <input
            type="radio"
            name={name}
            value={value}
            className="sr-only"
            checked={hydrated && theme === value}
            onChange={() => setTheme(value)}
          />
          <Icon className="size-4" aria-hidden="true" />
          <span className="sr-only">{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
