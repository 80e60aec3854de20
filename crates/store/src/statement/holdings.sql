-- Investments of investor $2, or investment $3 alone, with their features and what was paid of them.
SELECT v.id, v.investor_id, v.feature_id, f.title AS feature_title, f.state AS feature_state,
    f.released_on, f.retired_on, f.owned_on, v.currency, v.principal_minor AS principal,
    v.share_percent, v.return_percent, v.cap_minor AS cap, v.basis, v.vat_treatment, v.state,
    v.proposed_on, v.accepted_on, v.withdrawn_on, v.consent_on, v.invoice_id, v.funded_on,
    v.recouped_on, v.completed_on, v.accrued_minor AS accrued, v.credited_minor AS credited,
    v.forgone_minor AS forgone, paid.paid, paid.sent
FROM investments v
JOIN features f ON f.org_id = $1 AND f.id = v.feature_id
-- A document is paid as a whole, so that its lines are; of what was set off, each line bears its part.
CROSS JOIN LATERAL (
    SELECT coalesce(sum(one.paid) FILTER (WHERE one.state = 'settled'), 0)::bigint AS paid,
        coalesce(sum(one.paid) FILTER (WHERE one.state = 'sent'), 0)::bigint AS sent
    FROM (
        SELECT p.state, round(l.net_minor * p.amount_minor::numeric
                / (p.amount_minor + p.set_off_minor)) AS paid
        FROM self_bill_lines l
        JOIN payouts p ON p.org_id = $1 AND p.self_bill_id = l.self_bill_id
        WHERE l.org_id = $1 AND l.investment_id = v.id) one) paid
WHERE v.org_id = $1 AND (v.investor_id = $2 OR v.id = $3)
ORDER BY v.id
