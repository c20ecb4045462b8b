"use client";

import { lazy } from "react";
import { ClientOnly } from "@/components/client-only";
import { Menu } from "@/components/ui/menu";
import { useMe } from "@/lib/account/queries";
import type { User } from "@/lib/api/types";

const UserMenuItems = lazy(() => import("./user-menu-items"));

export function UserMenu({ initialUser }: { initialUser: User | undefined }) {
  const { data: user } = useMe(initialUser);
  const initial = (user?.name || user?.email || "·").charAt(0).toUpperCase();
  return (
    <Menu
      label="Account menu"
      trigger={<span aria-hidden="true">{initial}</span>}
      triggerClassName="grid size-9 place-items-center rounded-full bg-accent font-semibold text-accent-foreground text-sm"
    >
      <ClientOnly>
        <UserMenuItems />
      </ClientOnly>
    </Menu>
  );
}
