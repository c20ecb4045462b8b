"use client";

import { useTheme } from "next-themes";
import type { CSSProperties } from "react";
import { Toaster as Sonner, type ToasterProps } from "sonner";

const colours = {
  "--normal-bg": "var(--card)",
  "--normal-text": "var(--foreground)",
  "--normal-border": "var(--border)",
  "--border-radius": "12px",
} as CSSProperties;

export { toast } from "sonner";

export default function Toaster() {
  const { theme } = useTheme();
  return (
    <Sonner
      theme={theme as ToasterProps["theme"]}
      style={colours}
      position="bottom-right"
      offset={{ right: "calc(24px + var(--dock-width))" }}
      visibleToasts={4}
      containerAriaLabel="Notifications"
      toastOptions={{
        classNames: {
          toast: "font-sans!",
          description: "text-muted-foreground!",
          actionButton: "h-8! rounded-lg! bg-primary! px-3! font-medium! text-primary-foreground!",
          closeButton: "size-6! border-border! bg-card! text-muted-foreground!",
          error: "[&_[data-icon]]:text-destructive!",
          success: "[&_[data-icon]]:text-primary!",
        },
      }}
    />
  );
}
