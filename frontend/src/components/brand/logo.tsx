import Link from "next/link";
import { LogoMark } from "./logo-mark";

export function Logo({ href = "/" }: { href?: string }) {
  return (
    <Link href={href} className="flex items-center gap-2.5 rounded-lg py-1 font-semibold text-lg tracking-tight">
      <LogoMark />
      Todo
    </Link>
  );
}
