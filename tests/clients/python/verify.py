"""Asks one question through Authlib, and checks the answer with jwcrypto: verify.py ISSUER KEYS [FOLDER]

KEYS is a relying party's file with {"client_id", "signing_jwk"}. With FOLDER, which holds ca.pem, client.pem and client.key,
the client shows its certificate, and the token is bound to it (RFC 8705): Authlib does everything by itself. Without, the
token is bound to a key (RFC 9449). Prints the request for the holder, waits for the answer, prints `sub <sub>`.
"""
import json
import secrets
import sys
import time
from base64 import urlsafe_b64encode
from hashlib import sha256

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from joserfc.jwk import ECKey
from jwcrypto import jwk, jws, jwt

ISSUER, KEYS, FOLDER = (sys.argv[1:] + [None])[:3]
PARTY = json.load(open(KEYS))
CHECKS = ["real_person", "age_over_18"]


def digest(token):
    return urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()


class WithProofs(requests.auth.AuthBase):
    """What Authlib lacks: a proof of possession with every request, and the server's nonce in it."""

    def __init__(self, token=None, then=lambda request: request):
        self.key, self.token, self.nonce, self.then = jwk.JWK.generate(kty="EC", crv="P-256"), token, "", then

    def proof(self, request):
        claims = {"jti": secrets.token_urlsafe(), "htm": request.method, "htu": request.url.split("?")[0],
                  "iat": int(time.time()), "nonce": self.nonce}
        if self.token:
            claims["ath"] = digest(self.token)
            request.headers["Authorization"] = f"DPoP {self.token}"
        header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": self.key.export_public(as_dict=True)}
        made = jwt.JWT(header=header, claims=claims)
        made.make_signed_token(self.key)
        request.headers["DPoP"] = made.serialize()

    def __call__(self, request):
        self.proof(request)
        request.register_hook("response", self.again)
        return self.then(request)

    def again(self, response, **arguments):
        """The first answer may only say which nonce the server wants."""
        self.nonce = response.headers.get("DPoP-Nonce", self.nonce)
        if "nonce" not in response.text or response.status_code not in (400, 401):
            return response
        request = response.request.copy()
        request.deregister_hook("response", self.again)
        self.proof(request)
        return response.connection.send(request, **arguments)


def enter():
    """A session of a stock library, and whatever it needs for each call."""
    ca, certificate = (f"{FOLDER}/ca.pem", (f"{FOLDER}/client.pem", f"{FOLDER}/client.key")) if FOLDER else (True, None)
    metadata = requests.get(get_well_known_url(ISSUER, external=True), verify=ca, timeout=10).json()
    assert metadata["issuer"] == ISSUER
    if FOLDER:
        assert metadata["tls_client_certificate_bound_access_tokens"] is True
        # The library takes the empty list of somebody who redirects nobody for a missing one.
        AuthorizationServerMetadata(metadata | {"response_types_supported": ["none"]}).validate()
    endpoint = metadata["token_endpoint"]
    # The library's own hour is longer than the platform lets an assertion live.
    auth = PrivateKeyJWT(endpoint, alg="ES256", claims={"exp": int(time.time()) + 60})
    session = OAuth2Session(PARTY["client_id"], ECKey.import_key(PARTY["signing_jwk"]), token_endpoint_auth_method=auth)
    session.verify, session.cert, session.default_timeout = ca, certificate, 60
    session.trust_env = False  # or REQUESTS_CA_BUNDLE would say whom to trust
    proofs = None if FOLDER else WithProofs(then=session.client_auth(auth))
    token = session.fetch_token(endpoint, auth=proofs, grant_type="client_credentials")
    assert token["token_type"] == ("Bearer" if FOLDER else "DPoP"), token
    if proofs:
        proofs.token, proofs.then = token["access_token"], lambda request: request
    return metadata, session, proofs


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


metadata, session, proofs = enter()
keys = requests.get(metadata["jwks_uri"], verify=session.verify, timeout=10).json()
attestation, nonce = answered(session, proofs)
if FOLDER:
    stolen(session, f"{ISSUER}/v1/relying-parties/{PARTY['client_id']}")
print(f"sub {checked(attestation, nonce, keys)['sub']}")
