package stack

import (
	"path/filepath"
	"strings"
	"time"

	"hydrant/pkg/local/internal/apigateway"
	"hydrant/pkg/local/internal/glue"
	"hydrant/pkg/local/internal/kinesis"
	"hydrant/pkg/local/internal/lambda"
	"hydrant/pkg/local/internal/template"
)

func (b *builder) api(r template.Resource) error {
	var p struct {
		StageName              string            `cfn:"StageName,required"`
		DefinitionBody         *template.Value   `cfn:"DefinitionBody,required"`
		Variables              map[string]string `cfn:"Variables"`
		MinimumCompressionSize *int              `cfn:"MinimumCompressionSize"`
		MethodSettings         []*template.Value `cfn:"MethodSettings"`
		AccessLogSetting       *struct {
			DestinationArn string `cfn:"DestinationArn,required"`
			Format         string `cfn:"Format,required"`
		} `cfn:"AccessLogSetting"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if b.out.API != nil {
		return r.Properties.Errorf("the local runner serves one API; %s is another", b.out.API.LogicalID)
	}
	api := API{LogicalID: r.LogicalID, Config: apigateway.Config{
		ID: b.id(r).ID, Stage: p.StageName, AccountID: b.account.ID, Region: b.account.Region, Body: p.DefinitionBody,
		StageVariables: p.Variables, MinimumCompressionSize: p.MinimumCompressionSize, Partition: b.account.Partition,
	}}
	var err error
	if api.Throttles, err = throttles(p.MethodSettings); err != nil {
		return err
	}
	if log := p.AccessLogSetting; log != nil {
		_, group, found := strings.Cut(log.DestinationArn, ":log-group:")
		if !found {
			return r.Properties.Get("AccessLogSetting").Errorf("DestinationArn must be a log group's ARN; the local runner writes to no delivery stream")
		}
		api.AccessLogGroup, api.AccessLogFormat = strings.TrimSuffix(group, ":*"), strings.TrimSpace(log.Format)
	}
	b.out.API = &api
	return nil
}

type functionProperties struct {
	FunctionName string          `cfn:"FunctionName"`
	Alias        string          `cfn:"AutoPublishAlias"`
	CodeURI      string          `cfn:"CodeUri,required"`
	Handler      string          `cfn:"Handler,required"`
	Runtime      string          `cfn:"Runtime,required"`
	MemorySize   int             `cfn:"MemorySize"`
	Timeout      int             `cfn:"Timeout"`
	Reserved     int             `cfn:"ReservedConcurrentExecutions"`
	Events       *template.Value `cfn:"Events"`
	InvokeConfig *template.Value `cfn:"EventInvokeConfig"`
	Environment  struct {
		Variables map[string]string `cfn:"Variables"`
	} `cfn:"Environment"`
	LoggingConfig struct {
		LogFormat           string `cfn:"LogFormat"`
		LogGroup            string `cfn:"LogGroup"`
		ApplicationLogLevel string `cfn:"ApplicationLogLevel"`
		SystemLogLevel      string `cfn:"SystemLogLevel"`
	} `cfn:"LoggingConfig"`
}

func (b *builder) function(r template.Resource) error {
	p := functionProperties{MemorySize: 128, Timeout: 3} // Lambda's defaults
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if !strings.HasPrefix(p.Runtime, "provided.") {
		return r.Properties.Get("Runtime").Errorf("the local runner runs provided.al2023 and provided.al2, not %s", p.Runtime)
	}
	if m := r.Metadata.Get("BuildMethod"); m == nil || m.Text != "makefile" {
		return r.Properties.Errorf("Metadata must say BuildMethod: makefile, which is how the local runner builds functions")
	}
	if p.LoggingConfig.LogGroup == "" {
		p.LoggingConfig.LogGroup = "/aws/lambda/" + b.id(r).ID
	}
	if p.LoggingConfig.LogFormat == "" {
		p.LoggingConfig.LogFormat = "Text"
	}
	b.out.Functions = append(b.out.Functions, Function{CodeURI: filepath.Join(b.dir, p.CodeURI), Function: lambda.Function{
		LogicalID: r.LogicalID, Name: b.id(r).ID, ARN: b.id(r).ARN, Alias: p.Alias, Handler: p.Handler, Timeout: time.Duration(p.Timeout) * time.Second,
		MemoryMB: p.MemorySize, Environment: p.Environment.Variables, Concurrency: p.Reserved,
		LogGroup: p.LoggingConfig.LogGroup, LogFormat: p.LoggingConfig.LogFormat, LogLevel: p.LoggingConfig.ApplicationLogLevel,
	}})
	if err := b.invokeConfig(r, p.InvokeConfig); err != nil {
		return err
	}
	return b.events(r, p.Events)
}

func (b *builder) stream(r template.Resource) error {
	var p struct {
		Name           string `cfn:"Name"`
		ShardCount     int    `cfn:"ShardCount"`
		RetentionHours int    `cfn:"RetentionPeriodHours"`
		ModeDetails    struct {
			StreamMode string `cfn:"StreamMode"`
		} `cfn:"StreamModeDetails"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	if p.ModeDetails.StreamMode == "" {
		p.ModeDetails.StreamMode = "PROVISIONED" // the default of AWS::Kinesis::Stream
	}
	b.out.Streams = append(b.out.Streams, kinesis.StreamConfig{
		Name: b.id(r).ID, Mode: p.ModeDetails.StreamMode, Shards: p.ShardCount, Retention: time.Duration(p.RetentionHours) * time.Hour,
	})
	return nil
}

func (b *builder) bucket(r template.Resource) error {
	var p struct {
		BucketName    string          `cfn:"BucketName"`
		Notifications *template.Value `cfn:"NotificationConfiguration"`
	}
	b.out.Buckets = append(b.out.Buckets, b.id(r).ID)
	if err := r.Properties.Decode(&p); err != nil || p.Notifications == nil {
		return err
	}
	return b.notifications(b.id(r).ID, p.Notifications)
}

func (b *builder) database(r template.Resource) error {
	var p struct {
		Input struct {
			Name        string `cfn:"Name"`
			Description string `cfn:"Description"`
		} `cfn:"DatabaseInput,required"`
	}
	return r.Properties.Decode(&p)
}

type columns []struct {
	Name    string          `cfn:"Name,required"`
	Type    *template.Value `cfn:"Type,required"`
	Comment string          `cfn:"Comment"`
}

func (c columns) read() ([]glue.Column, error) {
	out := make([]glue.Column, len(c))
	for i, column := range c {
		t, err := glue.ParseType(column.Type.Text)
		if err != nil {
			return nil, column.Type.Errorf("%v", err)
		}
		out[i] = glue.Column{Name: column.Name, Type: t, Comment: column.Comment}
	}
	return out, nil
}

func (b *builder) table(r template.Resource) error {
	var p struct {
		CatalogID    string `cfn:"CatalogId"`
		DatabaseName string `cfn:"DatabaseName,required"`
		Input        struct {
			Name          string            `cfn:"Name"`
			Description   string            `cfn:"Description"`
			TableType     string            `cfn:"TableType"`
			Parameters    map[string]string `cfn:"Parameters"`
			PartitionKeys columns           `cfn:"PartitionKeys"`
			Storage       struct {
				Location     string          `cfn:"Location"`
				InputFormat  string          `cfn:"InputFormat"`
				OutputFormat string          `cfn:"OutputFormat"`
				SerdeInfo    *template.Value `cfn:"SerdeInfo"` // how Athena reads it; here the Parquet files themselves say
				Columns      columns         `cfn:"Columns"`
			} `cfn:"StorageDescriptor,required"`
		} `cfn:"TableInput,required"`
	}
	if err := r.Properties.Decode(&p); err != nil {
		return err
	}
	t := &glue.Table{
		LogicalID: r.LogicalID, CatalogID: p.CatalogID, Database: p.DatabaseName, Name: b.id(r).ID,
		Location: p.Input.Storage.Location, Parameters: p.Input.Parameters,
	}
	var err error
	if t.Columns, err = p.Input.Storage.Columns.read(); err != nil {
		return err
	}
	if t.PartitionKeys, err = p.Input.PartitionKeys.read(); err != nil {
		return err
	}
	b.out.Tables = append(b.out.Tables, t)
	return nil
}
