import type { Metadata } from "next";
import { PasswordSection } from "@/components/account/password-section";
import { ProfileSection } from "@/components/account/profile-section";
import { SessionsSection } from "@/components/account/sessions-section";
import { TokensSection } from "@/components/account/tokens-section";

export const metadata: Metadata = { title: "Account" };

export default function AccountPage() {
  return (
    <main
      id="main"
      tabIndex={-1}
      className="mx-auto w-full max-w-4xl flex-1 px-4 pt-6 pb-24 outline-none sm:px-6 sm:pt-10"
    >
      <h1 className="mb-6 font-semibold text-2xl sm:text-3xl">Account</h1>
      <div className="grid gap-6">
        <ProfileSection />
        <PasswordSection />
        <SessionsSection />
        <TokensSection />
      </div>
    </main>
  );
}
