"""Asks one question through Authlib, and checks the answer with jwcrypto: verify.py ISSUER KEYS [FOLDER]

KEYS is a relying party's file with {"client_id", "signing_jwk"}. With FOLDER, which holds ca.pem, client.pem and client.key,
the client shows its certificate, and the token is bound to it (RFC 8705): Authlib does everything by itself. Without, the
token is bound to a key (RFC 9449). Prints the request for the holder, waits for the answer, prints `sub <sub>`.
"""
import json
import secrets
import sys

import requests
from jwcrypto import jwk, jws, jwt

from access import enter

ISSUER, KEYS, FOLDER = (sys.argv[1:] + [None])[:3]
PARTY = json.load(open(KEYS))
CHECKS = ["real_person", "age_over_18"]


def answered(session, proofs):
    """The answer to one question, and the nonce that ties it to the question."""
    nonce = secrets.token_urlsafe(16)
    ask = {"purpose": "register", "checks": CHECKS, "nonce": nonce}
    asked = session.post(f"{ISSUER}/v1/verifications", json=ask, auth=proofs)
    assert asked.status_code == 201, asked.text
    print(asked.json()["request_uri"], flush=True)
    answer = {"status": "pending"}
    while answer["status"] == "pending":
        answer = session.get(f"{ISSUER}/v1/verifications/{asked.json()['id']}?wait=20", auth=proofs).json()
    return answer["attestation"], nonce


def stolen(session, url):
    """Whoever finds the token of a certificate can do nothing with it, by no scheme and over no other connection."""
    token = session.token["access_token"]
    client, other = ((f"{FOLDER}/{name}.pem", f"{FOLDER}/{name}.key") for name in ["client", "other"])
    statuses = []
    for scheme, certificate in [("Bearer", client), ("Bearer", None), ("Bearer", other), ("DPoP", client)]:
        headers = {"Authorization": f"{scheme} {token}", "X-Client-Cert": open(client[0]).read().replace("\n", " ")}
        found = requests.get(url, headers=headers, cert=certificate, verify=session.verify, timeout=10)
        statuses.append(found.status_code)
    assert statuses == [200, 401, 401, 401], statuses


def checked(attestation, nonce, keys):
    """The claims, on nothing but the published keys."""
    kid = jws.JWS.from_jose_token(attestation).jose_header["kid"]
    [key] = [key for key in keys["keys"] if key["kid"] == kid and key["role"] == "attestation"]
    ours = {"iss": ISSUER, "aud": PARTY["client_id"], "nonce": nonce, "purpose": "register", "exp": None}
    token = jwt.JWT(jwt=attestation, key=jwk.JWK(**key), algs=["ES256"], check_claims=ours)
    assert json.loads(token.header)["typ"] == "cyberid-attestation+jwt"
    claims = json.loads(token.claims)
    assert claims["result"] == "pass" and claims["checks"] == dict.fromkeys(CHECKS, "pass"), claims
    return claims


metadata, session, proofs = enter(ISSUER, PARTY, FOLDER)
keys = requests.get(metadata["jwks_uri"], verify=session.verify, timeout=10).json()
attestation, nonce = answered(session, proofs)
if FOLDER:
    stolen(session, f"{ISSUER}/v1/relying-parties/{PARTY['client_id']}")
print(f"sub {checked(attestation, nonce, keys)['sub']}")
