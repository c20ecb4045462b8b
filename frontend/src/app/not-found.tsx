import type { Metadata } from "next";
import { NotFoundPanel } from "@/components/layout/not-found-panel";
import SiteLayout from "./(site)/layout";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <SiteLayout>
      <NotFoundPanel />
    </SiteLayout>
  );
}
