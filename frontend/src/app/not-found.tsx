import type { Metadata } from "next";
import { LogoMark } from "@/components/brand/logo-mark";
import { NotFoundPanel } from "@/components/layout/not-found-panel";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <div className="flex min-h-dvh flex-col">
      <header className="p-4 sm:px-6">
        <a href="/" aria-label="Todo, home" className="inline-block rounded-lg">
          <LogoMark />
        </a>
      </header>
      <NotFoundPanel />
    </div>
  );
}
