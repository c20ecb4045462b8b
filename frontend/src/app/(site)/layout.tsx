import type { ReactNode } from "react";
import { SiteFooter } from "@/components/layout/site-footer";
import { SiteHeader } from "@/components/layout/site-header";
import { getVisitor } from "@/lib/session";

export default async function SiteLayout({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-dvh flex-col overflow-x-clip">
      <SiteHeader signedIn={typeof (await getVisitor()) === "object"} />
      {children}
      <SiteFooter />
    </div>
  );
}
