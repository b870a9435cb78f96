// What the page sends before anybody has signed in, exactly as the server trusts it: where a brand
// lets only trusted documents run, these run too. Each is a plain string in double quotes.

export const BRAND = "{ brand { name } }";
export const SIGN_IN =
  "mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken accessExpiresAt refreshToken } errors { message } } }";
export const REFRESH =
  "mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { tokens { accessToken accessExpiresAt refreshToken } errors { message } } }";
