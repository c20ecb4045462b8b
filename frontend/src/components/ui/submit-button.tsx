"use client";

import type { ComponentProps } from "react";
import { useHydrated } from "@/components/client-only";
import { Button } from "./button";

/** Disabled until the page is hydrated: before that, the browser would send the form to the server. */
export function SubmitButton({ disabled = false, ...props }: ComponentProps<typeof Button>) {
  const hydrated = useHydrated();
  return <Button type="submit" disabled={disabled || !hydrated} {...props} />;
}
