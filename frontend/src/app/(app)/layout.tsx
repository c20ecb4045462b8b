import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import type { ReactNode } from "react";
import { ChatDock } from "@/components/chat/chat-dock";
import { AppHeader } from "@/components/layout/app-header";
import { ConnectionNotice } from "@/components/layout/connection-notice";
import { GlobalShortcuts } from "@/components/layout/global-shortcuts";
import { isChatOpen } from "@/lib/chat/cookie";
import { signInPath } from "@/lib/navigation";
import { getRequestedPath, getVisitor } from "@/lib/session";

export default async function AppLayout({ children }: { children: ReactNode }) {
  const user = await getVisitor();
  if (user === "signed-out") redirect(signInPath(await getRequestedPath()));
  const chatOpen = isChatOpen(await cookies());
  return (
    <div className="flex">
      <div className="flex min-h-dvh min-w-0 flex-1 flex-col">
        <ConnectionNotice />
        <AppHeader user={user === "unknown" ? undefined : user} chatOpen={chatOpen} />
        {children}
        <GlobalShortcuts />
      </div>
      <ChatDock initiallyOpen={chatOpen} />
    </div>
  );
}
