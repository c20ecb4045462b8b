export { AuthSkeleton as default } from "@/components/auth/auth-skeleton";
