package apigateway

import (
	"encoding/json"
	"net/url"
)

// authorizerEvent is what the function gets: "Input to an API Gateway Lambda authorizer". There is no body in it.
func (x *exchange) authorizerEvent(a *authorizer) []byte {
	event := map[string]any{"type": "TOKEN", "methodArn": x.methodARN()}
	if a.token {
		event["authorizationToken"] = a.sources[0](x)
	} else {
		multi, _ := url.ParseQuery(x.r.URL.RawQuery) // with an error it still answers the pairs that it could read
		if multi == nil {
			multi = url.Values{}
		}
		stageVariables := x.api.cfg.StageVariables
		if stageVariables == nil {
			stageVariables = map[string]string{}
		}
		event["type"] = "REQUEST"
		event["resource"], event["path"], event["httpMethod"] = x.method.resourcePath, x.pathInStage(), x.r.Method
		event["headers"], event["multiValueHeaders"] = x.headers(), x.allHeaders()
		event["queryStringParameters"], event["multiValueQueryStringParameters"] = x.query(), multi
		event["pathParameters"], event["stageVariables"] = x.pathParameters, stageVariables
		event["requestContext"] = x.requestContext()
	}
	data, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts, and maps and lists of them
	}
	return data
}

func (x *exchange) requestContext() map[string]any {
	value := func(name string) string { return variables[name](x) }
	return map[string]any{
		"accountId": value("accountId"), "apiId": value("apiId"), "domainName": value("domainName"), "domainPrefix": value("domainPrefix"),
		"extendedRequestId": x.extendedID, "requestId": x.requestID, "httpMethod": x.r.Method, "path": x.path, "protocol": value("protocol"),
		"requestTime": value("requestTime"), "requestTimeEpoch": x.start.UnixMilli(), "resourceId": x.method.resourceID,
		"resourcePath": x.method.resourcePath, "stage": x.api.cfg.Stage,
		"identity": map[string]any{
			"accessKey": nil, "accountId": nil, "caller": nil, "cognitoAuthenticationProvider": nil, "cognitoAuthenticationType": nil,
			"cognitoIdentityId": nil, "cognitoIdentityPoolId": nil, "principalOrgId": nil, "user": nil, "userArn": nil,
			"sourceIp": x.sourceIP(), "userAgent": value("identity.userAgent"),
		},
	}
}

// pathInStage is the request's path behind the stage.
func (x *exchange) pathInStage() string {
	if path := x.path[len("/"+x.api.cfg.Stage):]; path != "" {
		return path
	}
	return "/"
}
