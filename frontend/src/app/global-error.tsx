"use client";

import { ErrorPanel } from "@/components/layout/error-panel";
import "./globals.css";

export default function GlobalError(props: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <html lang="en">
      <body className="font-sans">
        <title>Error · Todo</title>
        <ErrorPanel {...props} />
      </body>
    </html>
  );
}
