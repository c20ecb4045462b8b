import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/auth-card";
import { SignUpForm } from "@/components/auth/sign-up-form";
import { safeNextPath } from "@/lib/navigation";

export const metadata: Metadata = { title: "Sign up" };

export default async function SignUpPage({ searchParams }: PageProps<"/sign-up">) {
  const { next } = await searchParams;
  const path = safeNextPath(typeof next === "string" ? next : undefined);
  const query = path === "/tasks" ? "" : `?next=${encodeURIComponent(path)}`;
  return (
    <AuthCard
      title="Create your account"
      footer={
        <>
          Already have one? <Link href={`/sign-in${query}`}>Sign in</Link>
        </>
      }
    >
      <SignUpForm next={path} />
    </AuthCard>
  );
}
