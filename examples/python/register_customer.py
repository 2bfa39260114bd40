"""Registers a customer who proves to be real and an adult, and stays nameless: register_customer.py ISSUER [KEYS]

Prints the request to hand to the customer as a link or QR code, with the code that has to stand on both screens; waits,
and prints `customer <sub>`. KEYS is a file with {"client_id", "signing_jwk"}; without it, the sandbox's ready-made relying
party is used. """
import json, secrets, sys, time
from base64 import urlsafe_b64encode
from hashlib import sha256
import requests
from jwcrypto import jwk, jws, jwt

PURPOSE, CHECKS = "register", ["real_person", "age_over_18"]  # what this party is registered for, not more

class Platform:
    def __init__(self, issuer, keys):
        self.issuer, about = issuer, requests.get(f"{issuer}/.well-known/cyberid", timeout=10).json()
        if about["issuer"] != issuer:
            raise ValueError("this address belongs to another platform")
        # All that checking an attestation will need. Keep it for minutes; fetch it again when a key is unknown.
        self.published = requests.get(about["jwks_uri"], timeout=10).json()["keys"]
        self.client_id, self.key = keys["client_id"], jwk.JWK(**keys["signing_jwk"])
        self.nonce = self.token = None
        # An access token, for a signed statement instead of a password (private_key_jwt, RFC 7523).
        who = {"iss": self.client_id, "sub": self.client_id, "aud": issuer, "exp": int(time.time()) + 60}
        form = {"grant_type": "client_credentials", "client_assertion": self.sign(who, kid=self.key.thumbprint()),
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
        self.token = self.send("POST", about["token_endpoint"], data=form)["access_token"]

    def sign(self, claims, **header):
        claims = {"jti": secrets.token_urlsafe(), "iat": int(time.time()), **claims}
        token = jwt.JWT(header={"alg": "ES256", **header}, claims=claims)
        token.make_signed_token(self.key)
        return token.serialize()

    def send(self, method, url, **content):
        """One call with a proof (RFC 9449) that we hold the key which our token is bound to."""
        headers, proof = {}, {"htm": method, "htu": url.split("?")[0]}
        if self.token:
            headers["Authorization"] = f"DPoP {self.token}"
            proof["ath"] = urlsafe_b64encode(sha256(self.token.encode()).digest()).rstrip(b"=").decode()
        for _ in range(2):  # the first answer may only say which nonce the server wants in the proof
            proof |= {"nonce": self.nonce} if self.nonce else {}
            headers["DPoP"] = self.sign(proof, typ="dpop+jwt", jwk=self.key.export_public(as_dict=True))
            answer = requests.request(method, url, headers=headers, timeout=60, **content)
            self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
            if answer.status_code not in (400, 401):
                break
        return answer.json() if answer.ok else sys.exit(f"no customer: {url} answered {answer.text}")

    def check(self, attestation, nonce):
        """The claims of an attestation, checked offline: they are taken on the platform's signature alone."""
        header = jws.JWS.from_jose_token(attestation).jose_header  # believed only as far as to choose a key
        keys = [key for key in self.published if key["role"] == "attestation" and key["kid"] == header["kid"]]
        if header["typ"] != "cyberid-attestation+jwt" or not keys:
            raise ValueError("not an attestation of this platform")
        ours = {"iss": self.issuer, "aud": self.client_id, "nonce": nonce, "purpose": PURPOSE, "exp": None}
        return json.loads(jwt.JWT(jwt=attestation, key=jwk.JWK(**keys[0]), algs=["ES256"], check_claims=ours).claims)

def register(issuer, file=None):
    given = open(file).read() if file else json.dumps(requests.get(f"{issuer}/sandbox/keys").json()["relying_party"])
    platform = Platform(issuer, json.loads(given))
    nonce = secrets.token_urlsafe(16)  # ties the answer to this question: remember it with the session
    asked = platform.send("POST", f"{issuer}/v1/verifications", json={
        "purpose": PURPOSE, "checks": CHECKS, "nonce": nonce, "expires_in": 120})
    print(asked["request_uri"])
    # A customer whose device shows another code, name or domain than this page answers somebody else's question.
    print(f"compare {asked['comparison_code']}", flush=True)
    while (answer := platform.send("GET", f"{issuer}/v1/verifications/{asked['id']}?wait=20"))["status"] == "pending":
        pass  # the platform holds its answer back for up to 20 seconds
    if "attestation" not in answer:
        sys.exit(f"no customer: {answer['status']}")  # declined, or expired
    claims = platform.check(answer["attestation"], nonce)
    if claims["result"] != "pass" or claims["checks"] != dict.fromkeys(CHECKS, "pass"):
        sys.exit(f"no customer: {claims['checks']}")
    print(f"customer {claims['sub']}")  # the same person is the same `sub` here, and another one elsewhere

if __name__ == "__main__":
    try:
        register(*sys.argv[1:])
    except (ValueError, KeyError, jwt.JWException, requests.RequestException) as why:
        sys.exit(f"no customer: {why!r}")
