"""Signs what schemathesis sends with Signature Version 4, by botocore, as a client of an API with AWS_IAM does."""

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import requests.auth
import schemathesis

CREDENTIALS = botocore.credentials.Credentials("hydrant", "hydrant-local")


class SigV4(requests.auth.AuthBase):
    def __call__(self, request):
        signed = botocore.awsrequest.AWSRequest(request.method, request.url, data=request.body, headers={"Content-Type": request.headers.get("Content-Type", "")})
        botocore.auth.SigV4Auth(CREDENTIALS, "execute-api", "eu-west-1").add_auth(signed)
        for name in ("Authorization", "X-Amz-Date"):
            request.headers[name] = signed.headers[name]
        return request


schemathesis.auth.set_from_requests(SigV4())
