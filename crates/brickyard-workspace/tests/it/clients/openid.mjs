import assert from "node:assert/strict";
import * as client from "openid-client";
import { ProxyAgent, fetch } from "undici";

const CALLBACK = "http://localhost:9999/.auth/callback";
const host = process.env.DATABRICKS_HOST.replace(/^https:\/\//, "");
const issuer = new URL(`https://${host}/oidc`);
const dispatcher = new ProxyAgent(process.env.HTTPS_PROXY);
const through = (url, options) => fetch(url, { ...options, dispatcher });

const open = (id, authentication) =>
  client.discovery(issuer, id, {}, authentication, {
    [client.customFetch]: through,
    // The sign-in page alone is on plain HTTP: a browser reaches it at a loopback address, and no other way.
    execute: [client.enableNonRepudiationChecks, client.allowInsecureRequests],
  });

const refused = async (wanted, promise) => {
  await assert.rejects(promise, (error) => {
    assert.equal(error.error, wanted, String(error.stack));
    return true;
  });
};

// The service principal, with either way to send a secret; a wrong one is refused in both.
const { DATABRICKS_CLIENT_ID: id, DATABRICKS_CLIENT_SECRET: secret } = process.env;
for (const authentication of [client.ClientSecretBasic, client.ClientSecretPost]) {
  const config = await open(id, authentication(secret));
  assert.equal(config.serverMetadata().issuer, issuer.href);
  const token = await client.clientCredentialsGrant(config, { scope: "all-apis" });
  assert.equal(token.token_type, "bearer");
  assert.equal(token.expires_in, 3600);
  await assert.rejects(client.clientCredentialsGrant(await open(id, authentication("guess")), { scope: "all-apis" }), (error) => {
    // The client tells of the challenge, which has to be there where the secret came in a header (RFC 6749 section 5.2).
    assert.equal(error.status, 401, String(error.stack));
    assert.equal(error.cause[0].scheme, "basic");
    return true;
  });
}

// A user, by code with PKCE.
const app = await open("oauth-app", client.ClientSecretBasic("secret-of-the-app"));
const sign_in = async (scope = "openid email offline_access sql") => {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(app, {
    redirect_uri: CALLBACK,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const page = await through(url);
  const [, ticket] = (await page.text()).match(/name="ticket" value="([^"]+)"/);
  const cookie = page.headers.get("set-cookie").split(";")[0];
  const body = new URLSearchParams({ ticket, user: "ada@example.com", decision: "allow" });
  const sent = await through(app.serverMetadata().authorization_endpoint, {
    method: "POST",
    headers: { cookie },
    body,
    redirect: "manual",
  });
  assert.equal(sent.status, 303);
  const back = new URL(sent.headers.get("location"));
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return { back, checks };
};

const { back, checks } = await sign_in();
const tokens = await client.authorizationCodeGrant(app, back, checks);
const claims = tokens.claims();
assert.equal(claims.email, "ada@example.com");
assert.equal(claims.aud, "oauth-app");
const info = await client.fetchUserInfo(app, tokens.access_token, claims.sub);
assert.equal(info.email, "ada@example.com");
const renewed = await client.refreshTokenGrant(app, tokens.refresh_token);
assert.notEqual(renewed.access_token, tokens.access_token);

// A code used again, another verifier, another address, a refresh token used again.
await refused("invalid_grant", client.authorizationCodeGrant(app, back, checks));
const second = await sign_in();
await refused(
  "invalid_grant",
  client.authorizationCodeGrant(app, second.back, { ...second.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }),
);
const third = await sign_in();
const elsewhere = new URL(third.back);
elsewhere.pathname = "/elsewhere";
await refused("invalid_grant", client.authorizationCodeGrant(app, elsewhere, third.checks));
await refused("invalid_grant", client.refreshTokenGrant(app, tokens.refresh_token));

// An address that is not registered gets nothing, not even the error.
const astray = client.buildAuthorizationUrl(app, { redirect_uri: "https://evil.example/", scope: "openid" });
const page = await through(astray, { redirect: "manual" });
assert.deepEqual([page.status, page.headers.get("location")], [400, null]);

// A token with another content, without signature, or for another audience opens nothing.
const fresh = await client.authorizationCodeGrant(app, ...Object.values(await sign_in()));
const [head, body, signature] = fresh.access_token.split(".");
const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, "base64url")), sub: "developer@example.com" }));
const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");
for (const bad of [
  `${head}.${other.toString("base64url")}.${signature}`,
  `${unsigned}.${body}.`,
  fresh.id_token,
]) {
  const answer = await through(`https://${host}/api/2.0/preview/scim/v2/Me`, { headers: { authorization: `Bearer ${bad}` } });
  assert.equal(answer.status, 401);
}
await dispatcher.close();
console.log("done");
