import type { Metadata } from "next";
import Link from "next/link";
import { AuthCard } from "@/components/auth/auth-card";
import { SignInForm } from "@/components/auth/sign-in-form";
import { safeNextPath } from "@/lib/navigation";

export const metadata: Metadata = { title: "Sign in" };

export default async function SignInPage({ searchParams }: PageProps<"/sign-in">) {
  const { next } = await searchParams;
  const path = safeNextPath(typeof next === "string" ? next : undefined);
  const query = path === "/tasks" ? "" : `?next=${encodeURIComponent(path)}`;
  return (
    <AuthCard
      title="Welcome back"
      footer={
        <>
          New here? <Link href={`/sign-up${query}`}>Create an account</Link>
        </>
      }
    >
      <SignInForm next={path} />
    </AuthCard>
  );
}
