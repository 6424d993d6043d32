package template

import (
	"slices"
	"strings"
)

// globalProperties are the properties that SAM takes from Globals, by the section that it takes them from ("Globals section of the
// AWS SAM template", "Supported resources and properties"). SAM has sections for more types, of which the runner runs none.
var globalProperties = map[string][]string{
	"Function": {
		"Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties", "CodeSigningConfigArn", "CodeUri",
		"DeadLetterQueue", "DeploymentPreference", "Description", "Environment", "EphemeralStorage", "EventInvokeConfig",
		"FileSystemConfigs", "FunctionUrlConfig", "Handler", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize",
		"PermissionsBoundary", "PropagateTags", "ProvisionedConcurrencyConfig", "RecursiveLoop", "ReservedConcurrentExecutions", "RolePath",
		"Runtime", "RuntimeManagementConfig", "SnapStart", "SourceKMSKeyArn", "Tags", "Timeout", "Tracing", "VersionDeletionPolicy", "VpcConfig",
	},
	"Api": {
		"AccessLogSetting", "AlwaysDeploy", "Auth", "BinaryMediaTypes", "CacheClusterEnabled", "CacheClusterSize", "CanarySetting", "Cors",
		"DefinitionUri", "Domain", "EndpointConfiguration", "GatewayResponses", "MergeDefinitions", "MethodSettings",
		"MinimumCompressionSize", "Name", "OpenApiVersion", "PropagateTags", "TracingEnabled", "Variables",
	},
}

// mergeGlobals puts Globals into the resources that they are for, as SAM does before CloudFormation sees the template.
func (t *Template) mergeGlobals(globals *node) error {
	if globals == nil {
		return nil
	}
	at := (*trail)(nil).member("Globals")
	if !t.sam {
		return t.fault(globals.pos, at, "Globals need the line \"Transform: %s\" at the top of the template", samTransform)
	}
	if err := t.fields(globals, at, "Function", "Api"); err != nil {
		return err
	}
	for _, section := range globals.members {
		if err := t.fields(section.value, at.member(section.name), globalProperties[section.name]...); err != nil {
			return err
		}
		for _, r := range t.resources {
			if r.kind != "AWS::Serverless::"+section.name {
				continue
			}
			if r.properties == nil {
				r.properties = &node{kind: Map, pos: r.pos}
			}
			merged, err := t.merge(section.value, r.properties)
			if err != nil {
				return err
			}
			r.properties = merged
		}
	}
	return nil
}

// merge lays what the resource says over what is global: maps are merged, lists are concatenated with the global one first, and
// anything else of the resource's replaces the global one. A function counts as neither map nor list, whatever it would yield,
// since SAM merges before anything is evaluated.
func (t *Template) merge(global, local *node) (*node, error) {
	if global.call != "" || local.call != "" || global.kind != local.kind || global.kind == Scalar {
		return local, nil
	}
	t.nodes += len(global.items) + len(global.members)
	if t.nodes > maxNodes {
		return nil, t.fault(global.pos, (*trail)(nil).member("Globals"), "the template has more than %d values with its Globals merged: make it smaller", maxNodes)
	}
	if global.kind == List {
		return &node{kind: List, items: slices.Concat(global.items, local.items), pos: local.pos}, nil
	}
	merged := &node{kind: Map, members: slices.Clone(global.members), pos: local.pos}
	index := make(map[string]int, len(merged.members))
	for i, m := range merged.members {
		index[m.name] = i
	}
	for _, m := range local.members {
		i, both := index[m.name]
		if !both {
			merged.members = append(merged.members, m)
			continue
		}
		value, err := t.merge(merged.members[i].value, m.value)
		if err != nil {
			return nil, err
		}
		merged.members[i] = entry{m.name, m.pos, value}
	}
	return merged, nil
}

// apart names the properties that SAM makes resources of their own of. What they refer to may refer back to the resource without
// going round in a circle: an alarm on a function's errors watches the function's deployment.
var apart = map[string][]string{
	"AWS::Serverless::Function": {"DeploymentPreference", "EventInvokeConfig", "Events"},
	"AWS::Serverless::Api":      {"AccessLogSetting", "CanarySetting", "MethodSettings", "Variables"},
}

// neededFor says which of r's properties the resource that attribute belongs to depends on: r itself, or one that SAM makes of it.
func neededFor(r *resource, attribute string) func(property string) bool {
	if attribute == ".Role" || strings.HasPrefix(attribute, ".Role.") {
		return func(string) bool { return false }
	}
	return func(property string) bool { return !slices.Contains(apart[r.kind], property) }
}
