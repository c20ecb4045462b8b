"use client";

import { Keyboard, LogOut, UserRound } from "lucide-react";
import Link from "next/link";
import { menuItem } from "@/components/ui/menu";
import { useMe } from "@/lib/account/queries";
import { signOut } from "@/lib/api/auth";
import { ApiError, errorMessage } from "@/lib/api/problem";
import { goToSignInAfter } from "@/lib/navigation";
import { notify } from "@/lib/notify";
import { openKeyboardHelp } from "@/lib/shortcuts";
import { ThemeChoice } from "./theme-choice";

async function endSession() {
  await signOut().catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  });
}

async function signOutAndLeave() {
  try {
    await goToSignInAfter(endSession);
  } catch (error) {
    notify.error("You are still signed in", {
      description: errorMessage(error),
      action: { label: "Retry", onClick: signOutAndLeave },
    });
  }
}

export default function UserMenuItems() {
  const { data: user } = useMe();
  return (
    <>
      <div className="px-2.5 pt-2 pb-2.5">
        {user?.name && <p className="truncate font-medium text-sm">{user.name}</p>}
        <p className="truncate text-muted-foreground text-sm">{user?.email}</p>
      </div>
      <hr className="-mx-1.5 mb-1.5" />
      <Link href="/account" className={menuItem}>
        <UserRound aria-hidden="true" />
        Account settings
      </Link>
      <button type="button" className={menuItem} onClick={openKeyboardHelp}>
        <Keyboard aria-hidden="true" />
        Keyboard shortcuts
      </button>
      <div className="flex min-h-10 items-center justify-between px-2.5 text-sm">
        Theme
        <ThemeChoice />
      </div>
      <hr className="-mx-1.5 my-1.5" />
      <button type="button" className={menuItem} onClick={signOutAndLeave}>
        <LogOut aria-hidden="true" />
        Sign out
      </button>
    </>
  );
}
