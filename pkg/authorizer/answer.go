package authorizer

import "github.com/go-json-experiment/json"

// Answer is what API Gateway takes from an authorizer ("Output from an API Gateway Lambda authorizer").
type Answer struct {
	PrincipalID    string  `json:"principalId"` // the producer
	PolicyDocument Policy  `json:"policyDocument"`
	Context        Context `json:"context"`
}

// Policy says what the caller may do.
type Policy struct {
	Version   string       `json:"Version"`
	Statement [1]Statement `json:"Statement"`
}

// Statement is the one statement of a policy.
type Statement struct {
	Action   string    `json:"Action"`
	Effect   string    `json:"Effect"`
	Resource [2]string `json:"Resource"`
}

// Context is what the API's mappings and access log read as $context.authorizer.producer and so on. All are texts: they cannot read
// anything else.
type Context struct {
	Producer string `json:"producer"`
	Label    string `json:"label"`
	Kind     string `json:"kind"`
}

// newAnswer allows or denies both routes that write, and no more. API Gateway keeps the answer for the caller's later requests, whatever
// route they are for ("Use API Gateway Lambda authorizers"): with the route of this request alone the other would be denied.
func newAnswer(v Verdict, stage string, who caller) Answer {
	effect := "Deny"
	if v == Allow {
		effect = "Allow"
	}
	return Answer{
		PrincipalID: who.producer,
		PolicyDocument: Policy{
			Version: "2012-10-17",
			Statement: [1]Statement{{
				Action:   "execute-api:Invoke",
				Effect:   effect,
				Resource: [2]string{stage + "POST/record", stage + "POST/records"},
			}},
		},
		Context: Context{Producer: who.producer, Label: who.label, Kind: who.kind},
	}
}

// JSON is the answer as the function returns it.
func (a Answer) JSON() ([]byte, error) { return json.Marshal(a) }
