// Generated from the migrations; the test `schema_is_generated` keeps it so.

diesel::table! {
    answered_requests (org_id, request_id) {
        org_id -> Uuid,
        request_id -> Uuid,
        method -> Text,
        content_hash -> Bytea,
        answer -> Bytea,
        answered_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        name -> Text,
        secret_hash -> Bytea,
        roles -> Array<Text>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    arrears (org_id, customer_id) {
        org_id -> Uuid,
        customer_id -> Uuid,
        invoice_id -> Uuid,
        day_zero -> Date,
        degree -> Text,
        delivery -> Text,
        grace_until -> Nullable<Date>,
        changes_on -> Nullable<Date>,
    }
}

diesel::table! {
    billing_accounts (org_id, customer_id, currency) {
        org_id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        due_on -> Nullable<Date>,
        set_aside -> Bool,
        balance_minor -> Int8,
        refunding_minor -> Int8,
    }
}

diesel::table! {
    charges (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        product_id -> Uuid,
        description -> Text,
        quantity -> Numeric,
        unit_price -> Numeric,
        net_minor -> Int8,
        service_from -> Date,
        service_until -> Date,
        bill_on -> Date,
        state -> Text,
        invoice_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        draft_id -> Nullable<Uuid>,
        late_fee_of -> Nullable<Uuid>,
    }
}

diesel::table! {
    collection_steps (org_id, invoice_id, day_zero, day, action) {
        org_id -> Uuid,
        invoice_id -> Uuid,
        day_zero -> Date,
        day -> Int4,
        action -> Text,
        done_on -> Date,
    }
}

diesel::table! {
    collections (org_id, invoice_id) {
        org_id -> Uuid,
        invoice_id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        due_on -> Date,
        state -> Text,
        scheme -> Nullable<Text>,
        policy_id -> Nullable<Uuid>,
        day_zero -> Nullable<Date>,
        overdue_told -> Nullable<Date>,
        class -> Nullable<Text>,
        raw_code -> Nullable<Text>,
        attempts -> Int4,
        not_sent -> Int4,
        last_attempt_on -> Nullable<Date>,
        extra -> Nullable<Text>,
        next_at -> Nullable<Timestamptz>,
        next_action -> Nullable<Text>,
        why -> Text,
        held_by -> Nullable<Text>,
        held_until -> Nullable<Date>,
        changed_at -> Timestamptz,
        overdue_on -> Nullable<Date>,
        below_minimum -> Bool,
    }
}

diesel::table! {
    credit_allocations (org_id, credit_note_id, invoice_id) {
        org_id -> Uuid,
        credit_note_id -> Uuid,
        invoice_id -> Uuid,
        amount_minor -> Int8,
        written_off_minor -> Int8,
    }
}

diesel::table! {
    customers (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        name -> Text,
        address -> Jsonb,
        country -> Text,
        email -> Nullable<Text>,
        vat_number -> Nullable<Text>,
        vat_treatment -> Text,
        currency -> Text,
        payment_terms_days -> Nullable<Int4>,
        party_type -> Text,
        treat_as_consumer -> Bool,
        language -> Nullable<Text>,
        external_reference -> Nullable<Text>,
        in_arrears -> Bool,
        block_reason -> Nullable<Text>,
        blocked_on -> Nullable<Date>,
        block_expires_on -> Nullable<Date>,
        blocked_by -> Nullable<Text>,
        created_at -> Timestamptz,
        scheme -> Nullable<Text>,
    }
}

diesel::table! {
    decisions (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        kind -> Text,
        state -> Text,
        invoice_id -> Nullable<Uuid>,
        currency -> Nullable<Text>,
        amount_minor -> Nullable<Int8>,
        class -> Nullable<Text>,
        day_zero -> Nullable<Date>,
        points -> Nullable<Int4>,
        why -> Text,
        proposed_on -> Date,
        closed_on -> Nullable<Date>,
        decided_by -> Nullable<Text>,
        note -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    deferrals (org_id, line_id) {
        org_id -> Uuid,
        line_id -> Uuid,
        account -> Text,
        currency -> Text,
        net_minor -> Int8,
        service_from -> Date,
        service_until -> Date,
        earned_until -> Date,
        earned_minor -> Int8,
        next_on -> Nullable<Date>,
    }
}

diesel::table! {
    discount_products (org_id, discount_id, product_id) {
        org_id -> Uuid,
        discount_id -> Uuid,
        product_id -> Uuid,
    }
}

diesel::table! {
    discounts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        code -> Text,
        name -> Text,
        percent -> Nullable<Numeric>,
        amount_minor -> Nullable<Int8>,
        currency -> Nullable<Text>,
        duration -> Text,
        periods -> Nullable<Int4>,
        components -> Array<Text>,
        valid_from -> Nullable<Date>,
        valid_until -> Nullable<Date>,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    document_numbers (org_id, series, year, sequence) {
        org_id -> Uuid,
        series -> Text,
        year -> Int4,
        sequence -> Int8,
        number -> Text,
        document_id -> Uuid,
    }
}

diesel::table! {
    draft_lines (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        draft_id -> Uuid,
        position -> Int4,
        kind -> Text,
        subscription_id -> Nullable<Uuid>,
        item_id -> Nullable<Uuid>,
        change_number -> Int4,
        charge_id -> Nullable<Uuid>,
        product_id -> Uuid,
        description -> Text,
        unit_label -> Nullable<Text>,
        revenue -> Text,
        vat_category -> Text,
        vat_class -> Text,
        vat_percent -> Numeric,
        service_from -> Date,
        service_until -> Date,
        quantity -> Numeric,
        unit_price -> Numeric,
        discount_minor -> Int8,
        net_minor -> Int8,
    }
}

diesel::table! {
    drafts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        kind -> Text,
        state -> Text,
        currency -> Text,
        billing_on -> Date,
        made_on -> Date,
        due_on -> Date,
        finalize_on -> Date,
        net_minor -> Int8,
        tax_minor -> Int8,
        total_minor -> Int8,
        created_at -> Timestamptz,
        discarded_at -> Nullable<Timestamptz>,
        discarded_by -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    dunning_defaults (org_id) {
        org_id -> Uuid,
        policy_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    dunning_late_fees (org_id, policy_id, currency) {
        org_id -> Uuid,
        policy_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
    }
}

diesel::table! {
    dunning_minimums (org_id, policy_id, currency) {
        org_id -> Uuid,
        policy_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
    }
}

diesel::table! {
    dunning_policies (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        name -> Text,
        grace_until_day -> Nullable<Int4>,
        steps -> Jsonb,
        pay_days -> Jsonb,
        late_fee_minor -> Nullable<Int8>,
        late_fee_currency -> Nullable<Text>,
        more_retries -> Bool,
        created_at -> Timestamptz,
        late_fee_product_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    event_positions (org_id) {
        org_id -> Uuid,
        last_position -> Int8,
    }
}

diesel::table! {
    events (org_id, position) {
        org_id -> Uuid,
        position -> Int8,
        id -> Uuid,
        kind -> Text,
        occurred_at -> Timestamptz,
        effective_on -> Date,
        customer_id -> Uuid,
        subscription_id -> Nullable<Uuid>,
        invoice_id -> Nullable<Uuid>,
        payload -> Jsonb,
        investment_id -> Nullable<Uuid>,
        self_bill_id -> Nullable<Uuid>,
        payment_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    feature_months (org_id, feature_id, basis, month) {
        org_id -> Uuid,
        feature_id -> Uuid,
        basis -> Text,
        month -> Date,
        currency -> Text,
        counted_minor -> Int8,
        revenue_minor -> Int8,
        share_percent -> Numeric,
        accrual_minor -> Int8,
    }
}

diesel::table! {
    feature_votes (org_id, feature_id, customer_id) {
        org_id -> Uuid,
        feature_id -> Uuid,
        customer_id -> Uuid,
        voted_on -> Date,
    }
}

diesel::table! {
    features (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        title -> Text,
        description -> Text,
        requested_by -> Nullable<Uuid>,
        state -> Text,
        value -> Nullable<Int4>,
        complexity -> Nullable<Int4>,
        votes -> Int4,
        score -> Nullable<Int4>,
        note -> Nullable<Text>,
        currency -> Nullable<Text>,
        submitted_on -> Date,
        assessed_on -> Nullable<Date>,
        started_on -> Nullable<Date>,
        released_on -> Nullable<Date>,
        retired_on -> Nullable<Date>,
        owned_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    investment_months (org_id, investment_id, month) {
        org_id -> Uuid,
        investment_id -> Uuid,
        month -> Date,
        revenue_minor -> Int8,
        accrual_minor -> Int8,
        accrued_minor -> Int8,
        credited_minor -> Int8,
        principal_minor -> Int8,
        credited_total_minor -> Int8,
        carried_minor -> Int8,
        held -> Nullable<Text>,
    }
}

diesel::table! {
    investments (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        feature_id -> Uuid,
        investor_id -> Uuid,
        currency -> Text,
        principal_minor -> Int8,
        share_percent -> Numeric,
        return_percent -> Numeric,
        cap_minor -> Int8,
        basis -> Text,
        vat_treatment -> Text,
        state -> Text,
        proposed_on -> Date,
        accepted_on -> Nullable<Date>,
        withdrawn_on -> Nullable<Date>,
        consent_on -> Nullable<Date>,
        invoice_id -> Nullable<Uuid>,
        funded_on -> Nullable<Date>,
        recouped_on -> Nullable<Date>,
        completed_on -> Nullable<Date>,
        accrued_minor -> Int8,
        credited_minor -> Int8,
        forgone_minor -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    invoice_lines (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        invoice_id -> Uuid,
        position -> Int4,
        subscription_id -> Nullable<Uuid>,
        item_id -> Nullable<Uuid>,
        product_id -> Uuid,
        description -> Text,
        unit_label -> Nullable<Text>,
        revenue -> Text,
        service_from -> Date,
        service_until -> Date,
        quantity -> Numeric,
        unit_price -> Numeric,
        net_minor -> Int8,
        vat_class -> Text,
        vat_percent -> Numeric,
        kind -> Text,
        change_number -> Int4,
        charge_id -> Nullable<Uuid>,
        corrects_line_id -> Nullable<Uuid>,
        discount_minor -> Int8,
    }
}

diesel::table! {
    invoice_vat (org_id, invoice_id, vat_class, vat_percent) {
        org_id -> Uuid,
        invoice_id -> Uuid,
        vat_class -> Text,
        vat_percent -> Numeric,
        base_minor -> Int8,
        tax_minor -> Int8,
    }
}

diesel::table! {
    invoices (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        kind -> Text,
        state -> Text,
        currency -> Text,
        billing_on -> Date,
        issue_on -> Date,
        due_on -> Date,
        net_minor -> Int8,
        tax_minor -> Int8,
        total_minor -> Int8,
        open_minor -> Int8,
        seller -> Jsonb,
        buyer -> Jsonb,
        finalized_at -> Timestamptz,
        balance_minor -> Int8,
        reason -> Nullable<Text>,
        written_off_minor -> Int8,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        queue -> Text,
        org_id -> Nullable<Uuid>,
        args -> Jsonb,
        key -> Nullable<Text>,
        release_key -> Bool,
        status -> Text,
        priority -> Int4,
        attempts -> Int4,
        max_attempts -> Int4,
        run_at -> Timestamptz,
        lock_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        last_result -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    journal_entries (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        posted_on -> Date,
        source_kind -> Text,
        source_id -> Uuid,
        source_part -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_proofs (org_id) {
        org_id -> Uuid,
        verified_at -> Timestamptz,
        mismatches -> Int4,
    }
}

diesel::table! {
    meters (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        code -> Text,
        name -> Text,
        aggregation -> Text,
        unit_label -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mrr_segments (org_id, item_id, from_on) {
        org_id -> Uuid,
        item_id -> Uuid,
        from_on -> Date,
        until_on -> Nullable<Date>,
        subscription_id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
        status -> Text,
        end_reason -> Nullable<Text>,
        churn_kind -> Nullable<Text>,
    }
}

diesel::table! {
    number_series (org_id, series, year) {
        org_id -> Uuid,
        series -> Text,
        year -> Int4,
        next_sequence -> Int8,
        last_issue_on -> Date,
    }
}

diesel::table! {
    one_off_payment_invoices (org_id, one_off_payment_id, invoice_id) {
        org_id -> Uuid,
        one_off_payment_id -> Uuid,
        invoice_id -> Uuid,
        amount_minor -> Int8,
    }
}

diesel::table! {
    one_off_payments (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
        reference -> Text,
        started_on -> Date,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organization_directory (org_id) {
        org_id -> Uuid,
        kind -> Text,
        time_zone -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organizations (org_id) {
        org_id -> Uuid,
        kind -> Text,
        legal_name -> Text,
        registration_number -> Nullable<Text>,
        address -> Jsonb,
        country -> Text,
        vat_number -> Nullable<Text>,
        iban -> Nullable<Text>,
        email -> Nullable<Text>,
        default_currency -> Text,
        time_zone -> Text,
        language -> Text,
        small_business -> Bool,
        issue_zero_invoices -> Bool,
        number_pattern -> Text,
        invoice_prefix -> Text,
        credit_note_prefix -> Text,
        payment_terms_days -> Int4,
        chart -> Jsonb,
        sandbox_now -> Nullable<Timestamptz>,
        clock_holder -> Nullable<Uuid>,
        clock_held_until -> Nullable<Timestamptz>,
        page_secret -> Bytea,
        created_at -> Timestamptz,
        draft_grace_days -> Int4,
        payout_day -> Int4,
        minimum_payout_minor -> Int8,
        pre_notification_days -> Int4,
    }
}

diesel::table! {
    payment_allocations (org_id, payment_id, position) {
        org_id -> Uuid,
        payment_id -> Uuid,
        position -> Int4,
        target -> Text,
        customer_id -> Nullable<Uuid>,
        invoice_id -> Nullable<Uuid>,
        amount_minor -> Int8,
        allocated_on -> Date,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payment_attempts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        invoice_id -> Uuid,
        customer_id -> Uuid,
        number -> Int4,
        method_id -> Uuid,
        scheme -> Text,
        currency -> Text,
        amount_minor -> Int8,
        state -> Text,
        in_transit -> Bool,
        reference -> Nullable<Text>,
        raw_code -> Nullable<Text>,
        class -> Nullable<Text>,
        reasons_version -> Nullable<Int4>,
        submitted_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>,
        ask_at -> Nullable<Timestamptz>,
        asked -> Int4,
        withdrawn_at -> Nullable<Timestamptz>,
        worker -> Nullable<Text>,
    }
}

diesel::table! {
    payment_methods (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        scheme -> Text,
        state -> Text,
        holder -> Nullable<Text>,
        masked_account -> Nullable<Text>,
        mandate_reference -> Nullable<Text>,
        mandate_signed_on -> Nullable<Date>,
        card_brand -> Nullable<Text>,
        card_last_four -> Nullable<Text>,
        card_expires_year -> Nullable<Int4>,
        card_expires_month -> Nullable<Int4>,
        sealed -> Nullable<Bytea>,
        fingerprint -> Nullable<Bytea>,
        key_id -> Nullable<Text>,
        set_on -> Date,
        ended_on -> Nullable<Date>,
        end_reason -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payment_refunds (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        payment_id -> Uuid,
        attempt_id -> Uuid,
        customer_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
        state -> Text,
        note -> Nullable<Text>,
        reference -> Nullable<Text>,
        raw_code -> Nullable<Text>,
        submitted_at -> Timestamptz,
        answered_at -> Nullable<Timestamptz>,
        ask_at -> Nullable<Timestamptz>,
        asked -> Int4,
    }
}

diesel::table! {
    payments (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Nullable<Uuid>,
        kind -> Text,
        currency -> Text,
        amount_minor -> Int8,
        fee_minor -> Int8,
        booked_on -> Date,
        in_transit -> Bool,
        attempt_id -> Nullable<Uuid>,
        reverses -> Nullable<Uuid>,
        reference -> Nullable<Text>,
        payer_name -> Nullable<Text>,
        note -> Nullable<Text>,
        external_id -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payout_accounts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        investor_id -> Uuid,
        holder -> Text,
        masked_account -> Text,
        sealed -> Bytea,
        fingerprint -> Bytea,
        key_id -> Text,
        set_on -> Date,
        set_by -> Text,
        is_change -> Bool,
        ended_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payout_batches (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        currency -> Text,
        count -> Int4,
        total_minor -> Int8,
        sent_on -> Date,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payouts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        investor_id -> Uuid,
        self_bill_id -> Uuid,
        currency -> Text,
        amount_minor -> Int8,
        state -> Text,
        why -> Nullable<Text>,
        approved_by -> Nullable<Text>,
        times -> Int4,
        batch_id -> Nullable<Uuid>,
        account_id -> Nullable<Uuid>,
        sent_on -> Nullable<Date>,
        settled_on -> Nullable<Date>,
        bounced_on -> Nullable<Date>,
        created_at -> Timestamptz,
        set_off_minor -> Int8,
    }
}

diesel::table! {
    plan_migration_results (org_id, migration_id, subscription_id) {
        org_id -> Uuid,
        migration_id -> Uuid,
        subscription_id -> Uuid,
        outcome -> Text,
        effective_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        message -> Nullable<Text>,
    }
}

diesel::table! {
    plan_migrations (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        plan_id -> Uuid,
        version_id -> Uuid,
        from_version_id -> Nullable<Uuid>,
        subscription_id -> Nullable<Uuid>,
        effective_on -> Nullable<Date>,
        made_on -> Date,
        state -> Text,
        expected -> Int4,
        cursor -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    plan_versions (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        plan_id -> Uuid,
        number -> Int4,
        valid_from -> Date,
        interval_count -> Int4,
        interval_unit -> Text,
        timing -> Text,
        trial_days -> Int4,
        cancel_policy -> Text,
        created_at -> Timestamptz,
        max_pause_months -> Int4,
    }
}

diesel::table! {
    plans (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        code -> Text,
        name -> Text,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
        dunning_policy_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    postings (org_id, entry_id, position) {
        org_id -> Uuid,
        entry_id -> Uuid,
        position -> Int4,
        account -> Text,
        currency -> Text,
        amount_minor -> Int8,
        vat_class -> Nullable<Text>,
        vat_percent -> Nullable<Numeric>,
    }
}

diesel::table! {
    prices (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        version_id -> Uuid,
        position -> Int4,
        product_id -> Uuid,
        component -> Text,
        currency -> Text,
        model -> Jsonb,
        minimum_minor -> Nullable<Int8>,
        meter_id -> Nullable<Uuid>,
        feature_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    products (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        name -> Text,
        vat_category -> Text,
        revenue -> Text,
        unit_label -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    seal_keys (key_id) {
        key_id -> Text,
        is_current -> Bool,
    }
}

diesel::table! {
    self_bill_lines (org_id, self_bill_id, position) {
        org_id -> Uuid,
        self_bill_id -> Uuid,
        position -> Int4,
        investment_id -> Uuid,
        description -> Text,
        revenue_minor -> Nullable<Int8>,
        share_percent -> Numeric,
        net_minor -> Int8,
        principal_minor -> Int8,
        vat_class -> Text,
        vat_percent -> Numeric,
    }
}

diesel::table! {
    self_billing_agreements (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        investor_id -> Uuid,
        signed_on -> Date,
        valid_until -> Nullable<Date>,
        acceptance -> Text,
        silent_days -> Nullable<Int4>,
        number_prefix -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    self_bills (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        investor_id -> Uuid,
        kind -> Text,
        vat_treatment -> Text,
        currency -> Text,
        month -> Date,
        issue_on -> Date,
        year -> Nullable<Int4>,
        sequence -> Nullable<Int8>,
        number -> Nullable<Text>,
        net_minor -> Int8,
        tax_minor -> Int8,
        total_minor -> Int8,
        supplier -> Jsonb,
        buyer -> Jsonb,
        corrects_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        acceptance -> Text,
        accepts_on -> Nullable<Date>,
        own_number -> Nullable<Text>,
        own_issue_on -> Nullable<Date>,
        own_tax_minor -> Nullable<Int8>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    set_asides (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        customer_id -> Uuid,
        currency -> Text,
        reason -> Text,
        message -> Text,
        first_at -> Timestamptz,
        last_at -> Timestamptz,
        times -> Int4,
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    share_progress (org_id) {
        org_id -> Uuid,
        next_month -> Date,
    }
}

diesel::table! {
    strikes (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        reason -> Text,
        points -> Int4,
        struck_on -> Date,
        attempt_id -> Nullable<Uuid>,
        invoice_id -> Nullable<Uuid>,
        day_zero -> Nullable<Date>,
        note -> Nullable<Text>,
        recorded_by -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    subscription_discounts (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        subscription_id -> Uuid,
        discount_id -> Uuid,
        from_on -> Date,
        ended_on -> Nullable<Date>,
        used -> Int4,
        created_at -> Timestamptz,
        last_on -> Nullable<Date>,
    }
}

diesel::table! {
    subscription_intents (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        subscription_id -> Uuid,
        position -> Int4,
        effective_on -> Date,
        terms -> Jsonb,
        migration_id -> Nullable<Uuid>,
        named -> Nullable<Jsonb>,
    }
}

diesel::table! {
    subscription_items (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        subscription_id -> Uuid,
        position -> Int4,
        price_id -> Uuid,
        component -> Text,
        quantity -> Numeric,
        metered -> Bool,
        anchor_on -> Date,
        interval_count -> Int4,
        interval_unit -> Text,
        timing -> Text,
        from_on -> Date,
        until_on -> Nullable<Date>,
        charged_from -> Date,
        billed_until -> Date,
        forfeited_until -> Nullable<Date>,
    }
}

diesel::table! {
    subscription_pauses (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        subscription_id -> Uuid,
        from_on -> Date,
        until_on -> Date,
        note -> Nullable<Text>,
        kind -> Text,
    }
}

diesel::table! {
    subscriptions (org_id, id) {
        org_id -> Uuid,
        id -> Uuid,
        customer_id -> Uuid,
        plan_id -> Uuid,
        version_id -> Uuid,
        state -> Text,
        currency -> Text,
        start_on -> Date,
        trial_ends_on -> Nullable<Date>,
        alignment -> Text,
        anchor_on -> Date,
        interval_count -> Int4,
        interval_unit -> Text,
        timing -> Text,
        ends_on -> Nullable<Date>,
        cancel_reason -> Nullable<Text>,
        cancel_note -> Nullable<Text>,
        next_billing_on -> Nullable<Date>,
        next_turn_on -> Nullable<Date>,
        created_at -> Timestamptz,
        turned_on -> Date,
        billed_on -> Nullable<Date>,
        changes -> Int4,
        cancel_credit -> Bool,
        suspended_from -> Nullable<Date>,
        suspension_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    usage_events (org_id, meter_id, event_id) {
        org_id -> Uuid,
        meter_id -> Uuid,
        event_id -> Text,
        customer_id -> Uuid,
        occurred_at -> Timestamptz,
        on_date -> Date,
        quantity -> Numeric,
        value -> Nullable<Text>,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    usage_periods (org_id, item_id, service_from) {
        org_id -> Uuid,
        item_id -> Uuid,
        service_from -> Date,
        service_until -> Date,
        customer_id -> Uuid,
        meter_id -> Uuid,
        price_id -> Uuid,
        currency -> Text,
        minimum_minor -> Int8,
        quantity -> Numeric,
        billed_minor -> Int8,
        times -> Int4,
        stale -> Bool,
    }
}

diesel::table! {
    vat_rates (org_id, country, category, valid_from) {
        org_id -> Uuid,
        country -> Text,
        category -> Text,
        valid_from -> Date,
        percent -> Numeric,
    }
}

diesel::table! {
    write_off_vat (org_id, invoice_id, vat_class, vat_percent) {
        org_id -> Uuid,
        invoice_id -> Uuid,
        vat_class -> Text,
        vat_percent -> Numeric,
        tax_minor -> Int8,
        recovered_minor -> Int8,
    }
}

diesel::table! {
    write_offs (org_id, invoice_id) {
        org_id -> Uuid,
        invoice_id -> Uuid,
        times -> Int4,
        amount_minor -> Int8,
        recovered_minor -> Int8,
        reason -> Text,
        written_off_on -> Date,
        dated_on -> Nullable<Date>,
        dated_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    answered_requests,
    api_keys,
    arrears,
    billing_accounts,
    charges,
    collection_steps,
    collections,
    credit_allocations,
    customers,
    decisions,
    deferrals,
    discount_products,
    discounts,
    document_numbers,
    draft_lines,
    drafts,
    dunning_defaults,
    dunning_late_fees,
    dunning_minimums,
    dunning_policies,
    event_positions,
    events,
    feature_months,
    feature_votes,
    features,
    investment_months,
    investments,
    invoice_lines,
    invoice_vat,
    invoices,
    jobs,
    journal_entries,
    ledger_proofs,
    meters,
    mrr_segments,
    number_series,
    one_off_payment_invoices,
    one_off_payments,
    organization_directory,
    organizations,
    payment_allocations,
    payment_attempts,
    payment_methods,
    payment_refunds,
    payments,
    payout_accounts,
    payout_batches,
    payouts,
    plan_migration_results,
    plan_migrations,
    plan_versions,
    plans,
    postings,
    prices,
    products,
    seal_keys,
    self_bill_lines,
    self_billing_agreements,
    self_bills,
    set_asides,
    share_progress,
    strikes,
    subscription_discounts,
    subscription_intents,
    subscription_items,
    subscription_pauses,
    subscriptions,
    usage_events,
    usage_periods,
    vat_rates,
    write_off_vat,
    write_offs,
);
