package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hydrant/pkg/tools/internal/awscli"
)

// askRunner asks the local runner, which looks into everything that it keeps.
func askRunner(ctx context.Context, endpoint, id string) (places []place, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_hydrant/where?id="+url.QueryEscape(id), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no local runner (make run starts one; STACK=name asks a deployed stack): %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return nil, errors.Join(fmt.Errorf("the local runner: %s: %s", response.Status, bytes.TrimSpace(said)), err)
	}
	return readPlaces(json.NewDecoder(response.Body))
}

// pollEvery is how often Athena is asked whether it is done.
const pollEvery = time.Second

// askStack runs the stack's saved query.
func askStack(ctx context.Context, stack, results, id string) ([]place, error) {
	resources := map[string]string{"WhereIsQuery": "", "Database": "", "Bucket": ""}
	for logicalID := range resources {
		physical, err := awscli.Resource(ctx, stack, logicalID)
		if err != nil {
			return nil, err
		}
		resources[logicalID] = physical
	}
	var saved struct{ NamedQuery struct{ QueryString string } }
	if err := awscli.Run(ctx, &saved, "athena", "get-named-query", "--named-query-id", resources["WhereIsQuery"]); err != nil {
		return nil, err
	}
	query := saved.NamedQuery.QueryString
	arguments := []string{
		"athena", "start-query-execution", "--query-string", query, "--query-execution-context", "Database=" + resources["Database"],
		"--result-configuration", "OutputLocation=" + cmp.Or(results, "s3://"+resources["Bucket"]+"/athena/"), "--execution-parameters",
	}
	for range strings.Count(query, "?") {
		arguments = append(arguments, literal(id))
	}
	var started struct{ QueryExecutionID string }
	if err := awscli.Run(ctx, &started, arguments...); err != nil {
		return nil, err
	}
	if err := wait(ctx, started.QueryExecutionID); err != nil {
		return nil, err
	}
	var answer answer
	if err := awscli.Run(ctx, &answer, "athena", "get-query-results", "--query-execution-id", started.QueryExecutionID); err != nil {
		return nil, err
	}
	return answer.places()
}

// literal is a text in SQL. Athena puts execution parameters into the query as they are ("Use parameterized queries", Amazon Athena User Guide).
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// wait waits until a query is done.
func wait(ctx context.Context, id string) error {
	for {
		var status struct {
			QueryExecution struct {
				Status struct{ State, StateChangeReason string }
			}
		}
		if err := awscli.Run(ctx, &status, "athena", "get-query-execution", "--query-execution-id", id); err != nil {
			return err
		}
		switch s := status.QueryExecution.Status; s.State {
		case "SUCCEEDED":
			return nil
		case "QUEUED", "RUNNING":
		default:
			return fmt.Errorf("the query %s: %s %s", id, s.State, s.StateChangeReason)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// answer is Athena's: rows of texts, the first of them the columns' names. What is null has no value.
type answer struct {
	ResultSet struct {
		Rows []struct {
			Data []struct{ VarCharValue string }
		}
	}
}

func (a *answer) places() (places []place, err error) {
	for i, row := range a.ResultSet.Rows {
		if i == 0 {
			continue
		}
		var p place
		for j, cell := range row.Data {
			if j < len(a.ResultSet.Rows[0].Data) && cell.VarCharValue != "" {
				err = errors.Join(err, p.set(a.ResultSet.Rows[0].Data[j].VarCharValue, cell.VarCharValue))
			}
		}
		places = append(places, p)
	}
	return places, err
}

// set sets what a column of the query stands for. The ids are what was asked for.
func (p *place) set(column, value string) error {
	switch column {
	case "place":
		p.Kind = value
	case "at":
		p.moment = value
	case "code":
		p.Code = value
	case "object":
		p.Object = value
	case "attempt":
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("column attempt: %w", err)
		}
		p.Attempt = &n
	case "reasons":
		if err := json.Unmarshal([]byte(value), &p.Reasons); err != nil {
			return fmt.Errorf("column reasons: %w", err)
		}
	}
	return nil
}
