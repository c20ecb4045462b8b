import type { Metadata } from "next";
import { headers } from "next/headers";
import "./globals.css";

export const metadata: Metadata = { title: "Todo" };

export default async function RootLayout({ children }: { children: React.ReactNode }) {
  // Reading the request also makes every page dynamic, which a nonce per request needs.
  await headers();
  return (
    <html lang="en" suppressHydrationWarning>
      <body>{children}</body>
    </html>
  );
}
