select ordered_on, sum(amount) as revenue
from {{ ref('orders') }}
group by ordered_on
