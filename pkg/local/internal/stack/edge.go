package stack

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/secrets"
	"hydrant/pkg/local/internal/template"
)

// usagePlan is a usage plan while the template is read: whether it is for the one stage is known when all has been read.
type usagePlan struct {
	apigateway.UsagePlan
	stages []planStage
	at     template.Value
}

type planStage struct {
	API      string                  `cfn:"ApiId,required"`
	Stage    string                  `cfn:"Stage,required"`
	Throttle map[string]throttleText `cfn:"Throttle"`
}

type throttleText struct {
	Rate  float64 `cfn:"RateLimit,required"`
	Burst int     `cfn:"BurstLimit,required"`
}

func (t throttleText) read(at *template.Value) (apigateway.Throttle, error) {
	if t.Rate < 0 || t.Burst < 0 {
		return apigateway.Throttle{}, at.Errorf("RateLimit and BurstLimit must not be negative")
	}
	return apigateway.Throttle{Rate: t.Rate, Burst: t.Burst}, nil
}

func (b *builder) apiKey(r template.Resource) error {
	var p struct {
		Name       string `cfn:"Name"`
		Value      string `cfn:"Value"`
		Enabled    bool   `cfn:"Enabled"` // false is CloudFormation's default
		DistinctID bool   `cfn:"GenerateDistinctId"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if p.Value == "" { // API Gateway makes one up; here it is the same from start to start, and guards nothing
		sum := sha256.Sum256([]byte("API key " + b.id(r).ID))
		p.Value = hex.EncodeToString(sum[:20])
	}
	if len(p.Value) < 20 || len(p.Value) > 128 {
		return r.Properties.Errorf("the Value of an API key has 20 to 128 characters")
	}
	b.apiKeys = append(b.apiKeys, apigateway.APIKey{ID: b.id(r).ID, Value: p.Value, Enabled: p.Enabled})
	return nil
}

func (b *builder) usagePlan(r template.Resource) error {
	var p struct {
		Stages   []planStage   `cfn:"ApiStages"`
		Throttle *throttleText `cfn:"Throttle"`
		Quota    *struct {
			Limit  int    `cfn:"Limit,required"`
			Offset int    `cfn:"Offset"`
			Period string `cfn:"Period,required"`
		} `cfn:"Quota"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	plan := usagePlan{UsagePlan: apigateway.UsagePlan{ID: b.id(r).ID, Methods: map[string]apigateway.Throttle{}}, stages: p.Stages, at: *r.Properties}
	if p.Throttle != nil {
		t, err := p.Throttle.read(r.Properties.Get("Throttle"))
		if err != nil {
			return err
		}
		plan.Throttle = &t
	}
	if q := p.Quota; q != nil {
		if !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, q.Period) || q.Limit < 0 || q.Offset < 0 {
			return r.Properties.Get("Quota").Errorf("a quota has a Limit and an Offset that are not negative, and a Period of DAY, WEEK or MONTH")
		}
		plan.Quota = &apigateway.Quota{Limit: q.Limit, Offset: q.Offset, Period: q.Period}
	}
	b.usagePlans = append(b.usagePlans, &plan)
	return nil
}

// usagePlanKey notes which key is in which plan; both are looked for when all has been read.
func (b *builder) usagePlanKey(r template.Resource) error {
	var p struct {
		Key  string `cfn:"KeyId,required"`
		Kind string `cfn:"KeyType,required"`
		Plan string `cfn:"UsagePlanId,required"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if p.Kind != "API_KEY" {
		return r.Properties.Get("KeyType").Errorf("must be API_KEY")
	}
	b.planKeys = append(b.planKeys, planKey{p.Key, p.Plan, *r.Properties})
	return nil
}

type planKey struct {
	key, plan string
	at        template.Value
}

// checkEdge puts keys and plans together and gives the API those of its stage.
func (b *builder) checkEdge() error {
	for _, k := range b.planKeys {
		if !slices.ContainsFunc(b.apiKeys, func(a apigateway.APIKey) bool { return a.ID == k.key }) {
			return k.at.Errorf("the API key %q is not in the template", k.key)
		}
		i := slices.IndexFunc(b.usagePlans, func(p *usagePlan) bool { return p.ID == k.plan })
		if i < 0 {
			return k.at.Errorf("the usage plan %q is not in the template", k.plan)
		}
		b.usagePlans[i].Keys = append(b.usagePlans[i].Keys, k.key)
	}
	api := b.out.API
	placed := map[string]bool{}
	for _, p := range b.usagePlans {
		for _, s := range p.stages {
			if api == nil || s.API != api.ID || s.Stage != api.Stage {
				return p.at.Errorf("the stage %s of the API %s is not in the template", s.Stage, s.API)
			}
			for name, t := range s.Throttle {
				limit, err := t.read(&p.at)
				if err != nil {
					return err
				}
				p.Methods[name] = limit
			}
			for _, key := range p.Keys {
				if placed[key] {
					return p.at.Errorf("the API key %q is in two usage plans of one stage, which API Gateway refuses", key)
				}
				placed[key] = true
			}
			api.UsagePlans = append(api.UsagePlans, p.UsagePlan)
		}
	}
	if api != nil {
		api.APIKeys = b.apiKeys
	}
	return nil
}

// throttles reads a stage's MethodSettings. Logs, metrics and traces of the methods are not kept on one machine.
func throttles(settings []*template.Value) ([]apigateway.MethodThrottle, error) {
	var out []apigateway.MethodThrottle
	for _, v := range settings {
		var s struct {
			Path    string   `cfn:"ResourcePath,required"`
			Verb    string   `cfn:"HttpMethod,required"`
			Rate    *float64 `cfn:"ThrottlingRateLimit"`
			Burst   *int     `cfn:"ThrottlingBurstLimit"`
			Logging string   `cfn:"LoggingLevel"`
			Metrics bool     `cfn:"MetricsEnabled"`
			Data    bool     `cfn:"DataTraceEnabled"`
		}
		if err := v.Decode(&s); err != nil {
			return nil, err
		}
		// "AWS::ApiGateway::Stage MethodSetting": each slash of a path but the first is written ~1.
		path := strings.TrimPrefix(s.Path, "/")
		if path = "/" + strings.TrimPrefix(strings.ReplaceAll(path, "~1", "/"), "/"); (path == "/*") != (s.Verb == "*") {
			return nil, v.Errorf("the local runner supports settings of all methods (/* and *) and of one, not of some")
		}
		if s.Rate == nil && s.Burst == nil {
			continue
		}
		if s.Rate == nil || s.Burst == nil || *s.Rate < 0 || *s.Burst < 0 {
			return nil, v.Errorf("ThrottlingRateLimit and ThrottlingBurstLimit are given together, and are not negative")
		}
		out = append(out, apigateway.MethodThrottle{Path: path, Verb: s.Verb, Throttle: apigateway.Throttle{Rate: *s.Rate, Burst: *s.Burst}, At: v})
	}
	return out, nil
}

func (b *builder) secret(r template.Resource) error {
	var p struct {
		Name        string          `cfn:"Name"`
		Description string          `cfn:"Description"`
		Value       *string         `cfn:"SecretString"`
		Generate    *template.Value `cfn:"GenerateSecretString"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	s := secrets.Secret{Name: secretName(b.account, r.LogicalID, r.Properties), ARN: b.id(r).ID, Description: p.Description, Value: p.Value}
	if p.Generate != nil {
		if p.Value != nil {
			return p.Generate.Errorf("there is a SecretString too: CloudFormation takes one of them")
		}
		var err error
		if s.Generate, err = generated(p.Generate); err != nil {
			return err
		}
	}
	b.out.Secrets = append(b.out.Secrets, s)
	return nil
}

func generated(v *template.Value) (*secrets.Generate, error) {
	p := struct {
		Length        int    `cfn:"PasswordLength"`
		Exclude       string `cfn:"ExcludeCharacters"`
		NoLower       bool   `cfn:"ExcludeLowercase"`
		NoUpper       bool   `cfn:"ExcludeUppercase"`
		NoDigits      bool   `cfn:"ExcludeNumbers"`
		NoPunctuation bool   `cfn:"ExcludePunctuation"`
		Space         bool   `cfn:"IncludeSpace"`
		EachType      *bool  `cfn:"RequireEachIncludedType"` // nearly always so of 32 characters
		Template      string `cfn:"SecretStringTemplate"`
		Key           string `cfn:"GenerateStringKey"`
	}{Length: 32}
	if err := v.Decode(&p); err != nil {
		return nil, err
	}
	alphabet := ""
	for set, left := range map[string]bool{secrets.Lower: p.NoLower, secrets.Upper: p.NoUpper, secrets.Digits: p.NoDigits, secrets.Punctuation: p.NoPunctuation, " ": !p.Space} {
		if !left {
			alphabet += set
		}
	}
	alphabet = strings.Map(func(c rune) rune {
		if strings.ContainsRune(p.Exclude, c) {
			return -1
		}
		return c
	}, alphabet)
	switch {
	case !within(p.Length, 1, 4096):
		return nil, v.Errorf("PasswordLength must be between 1 and 4096, not %d", p.Length)
	case alphabet == "":
		return nil, v.Errorf("it leaves no character to make a value of")
	case (p.Template == "") != (p.Key == ""):
		return nil, v.Errorf("SecretStringTemplate and GenerateStringKey are given together")
	}
	return &secrets.Generate{Length: p.Length, Alphabet: alphabet, Template: p.Template, Key: p.Key}, nil
}

func secretName(a Account, logicalID string, properties *template.Value) string {
	if name := properties.Get("Name"); name != nil {
		return name.Text
	}
	return a.StackName + "-" + logicalID
}

// secretARN is what Ref gives of a secret. Secrets Manager puts a hyphen and six characters behind the name, here always the same.
func secretARN(a Account, logicalID string, properties *template.Value) string {
	name := secretName(a, logicalID, properties)
	sum := sha256.Sum256([]byte(name))
	return a.arn("secretsmanager", "secret:"+name+"-"+strings.NewReplacer("-", "A", "_", "B").Replace(base64.RawURLEncoding.EncodeToString(sum[:])[:6]))
}

// idAttribute answers the attribute that repeats what Ref gives.
func idAttribute(name string) func(Account, string, string, *template.Value) (string, bool) {
	return func(_ Account, id, attribute string, _ *template.Value) (string, bool) { return id, attribute == name }
}

func functionAttributes(a Account, id, attribute string, properties *template.Value) (string, bool) {
	if alias := properties.Get("AutoPublishAlias"); attribute == ".Alias" && alias != nil {
		return a.arn("lambda", "function:"+id+":"+alias.Text), true
	}
	return "", false
}
