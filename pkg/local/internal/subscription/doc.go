// Package subscription sends the events of log groups to functions, as CloudWatch Logs' subscription filters do.
package subscription

// Config is an AWS::Logs::SubscriptionFilter with an empty pattern whose destination is a function.
type Config struct{ Name, LogGroup, FunctionARN string }
