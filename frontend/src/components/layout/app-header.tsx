import { ChatToggle } from "@/components/chat/chat-toggle";
import { Logo } from "@/components/layout/logo";
import type { User } from "@/lib/api/types";
import { MainNav } from "./main-nav";
import { UserMenu } from "./user-menu";

export function AppHeader({ user, chatOpen }: { user: User | undefined; chatOpen: boolean }) {
  return (
    <header className="sticky top-0 z-20 border-b bg-background/85 backdrop-blur-md">
      <div className="mx-auto flex h-14 max-w-4xl items-center gap-3 px-4 sm:gap-6 sm:px-6">
        <Logo href="/tasks" />
        <MainNav />
        <ChatToggle initiallyOpen={chatOpen} />
        <UserMenu initialUser={user} />
      </div>
    </header>
  );
}
