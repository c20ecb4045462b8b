import { body, http } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

export const signUp = (form: Schemas["SignUp"]) => body(http.POST("/api/auth/sign-up", { body: form }));
export const signIn = (form: Schemas["SignIn"]) => body(http.POST("/api/auth/sign-in", { body: form }));
export const signOut = () => body(http.POST("/api/auth/sign-out"));

export const getMe = () => body(http.GET("/api/auth/me"));
export const updateMe = (form: Schemas["UpdateMe"]) => body(http.PATCH("/api/auth/me", { body: form }));
export const changePassword = (form: Schemas["ChangePassword"]) =>
  body(http.POST("/api/auth/password", { body: form }));

export const listSessions = async () => (await body(http.GET("/api/auth/sessions"))).sessions;
export const endOtherSessions = () => body(http.DELETE("/api/auth/sessions"));
export const endSession = (id: string) => body(http.DELETE("/api/auth/sessions/{id}", { params: { path: { id } } }));

export const listTokens = async () => (await body(http.GET("/api/auth/tokens"))).tokens;
export const createToken = (form: Schemas["NewToken"]) => body(http.POST("/api/auth/tokens", { body: form }));
export const revokeToken = (id: string) => body(http.DELETE("/api/auth/tokens/{id}", { params: { path: { id } } }));
