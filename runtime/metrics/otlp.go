package metrics

import (
	"context"
	"fmt"
	"os"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
)

// Pushes tells whether the environment asks for a push: OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is set (OpenTelemetry, "OTLP Exporter Configuration").
func Pushes() bool {
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") != ""
}

// Push sends the metrics by OTLP over HTTP to where the environment says, every minute unless
// OTEL_METRIC_EXPORT_INTERVAL says otherwise, and once more when ctx ends. Names are those of /metrics.
func (m *Metrics) Push(ctx context.Context) error {
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return fmt.Errorf("push metrics: %w", err)
	}
	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(m.registry))))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	<-ctx.Done()
	_ = provider.Shutdown(context.WithoutCancel(ctx)) // the collector may be gone: that is no failure of pitwall's
	return nil
}
