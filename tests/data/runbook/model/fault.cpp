constexpr EnumTable<Row> rows({
    {Fault::meter_lost, Severity::warning, "Meter lost", "Look."},
    {Fault::forgotten, Severity::warning, "Forgotten", "Look."},
    {Fault::hasty, Severity::critical, "Hasty", "Look."},
    {Fault::unheard, Severity::info, "Unheard", "Look."},
});
