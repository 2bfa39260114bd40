// Asks one question through openid-client, and checks the answer with jose: verify.mjs ISSUER KEYS OPERATOR
//
// KEYS and OPERATOR are files with {"client_id", "signing_jwk"}: a relying party's, and an operator's.
// Prints the request for the holder, waits for the answer, prints `sub <sub>`.

import { readFile } from 'node:fs/promises'
import * as jose from 'jose'
import * as oidc from 'openid-client'

const [issuer, ...files] = process.argv.slice(2)
const [party, operator] = await Promise.all(files.map(async (file) => JSON.parse(await readFile(file))))
const check = (holds, what) => {
  if (!holds) throw new Error(what)
}

/** Somebody who has discovered the server, and holds a token that is bound to a key of their own. */
async function enter({ client_id: id, signing_jwk: jwk }) {
  const auth = oidc.PrivateKeyJwt({ key: await jose.importJWK(jwk, 'ES256'), kid: jwk.kid })
  // The sandbox is on this machine and speaks plain HTTP.
  const options = { algorithm: 'oauth2', execute: [oidc.allowInsecureRequests] }
  const config = await oidc.discovery(new URL(issuer), id, undefined, auth, options)
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
  const token = await oidc.clientCredentialsGrant(config, {}, { DPoP })
  check(token.token_type.toLowerCase() === 'dpop', token.token_type)
  const send = (method, path, body, type = 'application/json') =>
    oidc.fetchProtectedResource(config, token.access_token, new URL(`${issuer}${path}`), method, body,
      new Headers(body && { 'content-type': type }), { DPoP })
  return { config, token, send }
}

const { config, token, send } = await enter(party)
const server = config.serverMetadata()
check(server.supportsPKCE() === false, 'nobody is redirected here')
check(server.token_endpoint_auth_methods_supported.join() === 'private_key_jwt', 'authentication')
check(server.dpop_signing_alg_values_supported.join() === 'ES256', 'dpop')

// The token is worth nothing as a bare one.
const url = `${issuer}/v1/relying-parties/${party.client_id}`
const bare = await fetch(url, { headers: { authorization: `Bearer ${token.access_token}` } })
check(bare.status === 401, `as a bearer token: ${bare.status}`)

// An operator may ask what it is worth, and its owner may not.
const form = new URLSearchParams({ token: token.access_token }).toString()
const introspect = (who) => who.send('POST', new URL(server.introspection_endpoint).pathname, form, 'application/x-www-form-urlencoded')
const worth = await (await introspect(await enter(operator))).json()
check(worth.active && worth.client_id === party.client_id && worth.cnf.jkt, `introspected: ${JSON.stringify(worth)}`)
const own = await introspect({ send }).catch((why) => why.response ?? why)
check(own.status === 403, `its own token: ${own.status}`)

const nonce = oidc.randomNonce()
const ask = { purpose: 'register', checks: ['real_person', 'age_over_18'], nonce }
const asked = await (await send('POST', '/v1/verifications', JSON.stringify(ask))).json()
console.log(asked.request_uri)
let answer
do answer = await (await send('GET', `/v1/verifications/${asked.id}?wait=20`)).json()
while (answer.status === 'pending')

const keys = await (await fetch(server.jwks_uri)).json()
// Offline from here on.
const attesting = { keys: keys.keys.filter((key) => key.role === 'attestation') }
const { payload } = await jose.jwtVerify(answer.attestation, jose.createLocalJWKSet(attesting), {
  algorithms: ['ES256'],
  typ: 'cyberid-attestation+jwt',
  issuer,
  audience: party.client_id,
})
check(payload.nonce === nonce && payload.result === 'pass', JSON.stringify(payload))
console.log(`sub ${payload.sub}`)
