// Registers a customer who proves to be real and an adult, and stays nameless.
//
//     node register-customer.mjs ISSUER [KEYS]
//
// KEYS is a file with {"client_id", "signing_jwk"}; without it, the sandbox's ready-made relying party is used.
// Prints the request to hand to the customer (as a link or QR code) with the code that has to stand on both screens, waits
// for the answer, prints `customer <sub>`.

import { readFile } from 'node:fs/promises'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'

const PURPOSE = 'register' // what this party is registered for,
const CHECKS = ['real_person', 'age_over_18'] // and not more

const json = async (url) => (await fetch(url)).json()
// The library wants https. Only a sandbox on this machine does without.
const insecure = (url) => ({ [oauth.allowInsecureRequests]: new URL(url).hostname === '127.0.0.1' })

async function register(issuer, file) {
  const keys = file ? JSON.parse(await readFile(file)) : (await json(`${issuer}/sandbox/keys`)).relying_party
  const about = await json(`${issuer}/.well-known/cyberid`)
  if (about.issuer !== issuer) throw new Error('this address belongs to another platform')
  // All that checking an attestation will need. Keep it for minutes; fetch it again when a key is unknown.
  const published = (await json(about.jwks_uri)).keys.filter((key) => key.role === 'attestation')

  // A token that is worth nothing without our key: private_key_jwt (RFC 7523), bound by DPoP (RFC 9449).
  const client = { client_id: keys.client_id }
  const signing = { key: await jose.importJWK(keys.signing_jwk, 'ES256'), kid: keys.signing_jwk.kid }
  const options = { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')), ...insecure(issuer) }
  // The first answer may only say which nonce the server wants in the proof; the library keeps it.
  const retried = (call) => call().catch((why) => (oauth.isDPoPNonceError(why) ? call() : Promise.reject(why)))
  const { access_token: token } = await retried(async () => {
    const auth = oauth.PrivateKeyJwt(signing)
    const answer = await oauth.clientCredentialsGrantRequest(about, client, auth, {}, options)
    return oauth.processClientCredentialsResponse(about, client, answer)
  })
  const call = async (method, path, body) => {
    const headers = new Headers(body && { 'content-type': 'application/json' })
    const url = new URL(`${issuer}${path}`)
    const text = body && JSON.stringify(body)
    const answer = await retried(() => oauth.protectedResourceRequest(token, method, url, headers, text, options))
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  // The nonce ties the answer to this question: remember it with the session.
  const nonce = oauth.generateRandomNonce()
  const ask = { purpose: PURPOSE, checks: CHECKS, nonce, expires_in: 120 }
  const { id, request_uri: uri, comparison_code: code } = await call('POST', '/v1/verifications', ask)
  // A customer whose device shows another code, name or domain than this page answers somebody else's question.
  console.log(`${uri}\ncompare ${code}`)
  let answer
  do answer = await call('GET', `/v1/verifications/${id}?wait=20`)
  while (answer.status === 'pending')
  if (!answer.attestation) throw new Error(answer.status)

  // Checked offline: nothing is taken from anybody's word but the signature.
  const { payload } = await jose.jwtVerify(answer.attestation, jose.createLocalJWKSet({ keys: published }), {
    algorithms: ['ES256'],
    typ: 'cyberid-attestation+jwt',
    issuer,
    audience: client.client_id,
    clockTolerance: 60,
    requiredClaims: ['iat', 'exp', 'nonce', 'purpose', 'result', 'checks'],
  })
  if (payload.nonce !== nonce || payload.purpose !== PURPOSE) throw new Error('an answer to another question')
  if (Object.keys(payload.checks).sort().join() !== [...CHECKS].sort().join()) throw new Error('other checks')
  const all = Object.values(payload.checks).every((outcome) => outcome === 'pass')
  if (payload.result !== 'pass' || !all) throw new Error(JSON.stringify(payload.checks))
  return payload.sub
}

try {
  // The same person is the same `sub` here, and another one elsewhere.
  console.log(`customer ${await register(...process.argv.slice(2))}`)
} catch (why) {
  console.error(`no customer: ${[why.message, why.error].filter(Boolean).join(': ')}`)
  process.exitCode = 1
}
